"""The shell around the core: settings, the batch pipeline, logs, one composition root."""

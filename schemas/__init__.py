"""The one source of every contract: what may arrive, what is stored, what is shown.

`scalars`        named text, number and time types.
`person`, `insurance_card`, `dossier`, `agency`  what an event may say of a record.
`validation`     data of an event becomes normalised fields, or every error at once.
`event_types`    the event types as data, and what each must state.
`envelope`       the CloudEvents attributes, with the patterns the parser uses.
`records`, `ledger`, `quarantine`  what the tables hold.
`generate`       writes the JSON Schemas and the AsyncAPI document of all this.
"""

"""The validator of the data of agency events; written by `schemas.generate`."""
# ruff: noqa: E501 - patterns stay whole

from typing import Any, Final

VALIDATOR: Final[dict[str, Any]] = {
    "type": "typed-dict",
    "fields": {
        "agency_id": {
            "type": "typed-dict-field",
            "schema": {
                "type": "str",
                "max_length": 35,
                "pattern": "^(?:[A-Y][0-9]{2}(?:[.][0-9]{1,4}){0,8}|Z[0-9A-Z]{2}[0-9A-Z]{0,32})$",
            },
            "required": True,
        },
        "name": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "function-before",
                    "function": {
                        "rule": "text",
                    },
                    "schema": {
                        "type": "str",
                        "min_length": 1,
                        "max_length": 500,
                        "pattern": "^[^\\u0000]*[^\\u0000\\u0009-\\u000d\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000][^\\u0000]*$",
                    },
                },
            },
            "required": False,
        },
        "parent": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "str",
                    "max_length": 35,
                    "pattern": "^(?:[A-Y][0-9]{2}(?:[.][0-9]{1,4}){0,8}|Z[0-9A-Z]{2}[0-9A-Z]{0,32})$",
                },
            },
            "required": False,
        },
        "aliases": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "list",
                    "items_schema": {
                        "type": "function-before",
                        "function": {
                            "rule": "text",
                        },
                        "schema": {
                            "type": "str",
                            "min_length": 1,
                            "max_length": 50,
                            "pattern": "^[^\\u0000]*[^\\u0000\\u0009-\\u000d\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000][^\\u0000]*$",
                        },
                    },
                },
            },
            "required": False,
        },
        "succeeds": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "list",
                    "items_schema": {
                        "type": "str",
                        "max_length": 35,
                        "pattern": "^(?:[A-Y][0-9]{2}(?:[.][0-9]{1,4}){0,8}|Z[0-9A-Z]{2}[0-9A-Z]{0,32})$",
                    },
                },
            },
            "required": False,
        },
        "senders": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "list",
                    "items_schema": {
                        "type": "str",
                        "pattern": "^[0-9A-Za-z][0-9A-Za-z_-]{0,127}$",
                    },
                },
            },
            "required": False,
        },
        "periods": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "function-after",
                    "function": {
                        "rule": "not_overlapping",
                    },
                    "schema": {
                        "type": "list",
                        "items_schema": {
                            "type": "function-after",
                            "function": {
                                "rule": "ends_after_it_begins",
                            },
                            "schema": {
                                "type": "typed-dict",
                                "fields": {
                                    "kind": {
                                        "type": "typed-dict-field",
                                        "schema": {
                                            "type": "literal",
                                            "expected": [
                                                "population",
                                                "justice",
                                                "social-insurance",
                                                "one-stop",
                                                "department",
                                                "ministry",
                                                "facility",
                                                "other",
                                            ],
                                        },
                                        "required": True,
                                    },
                                    "publishes": {
                                        "type": "typed-dict-field",
                                        "schema": {
                                            "type": "list",
                                            "items_schema": {
                                                "type": "literal",
                                                "expected": [
                                                    "person",
                                                    "insurance-card",
                                                    "dossier",
                                                ],
                                            },
                                        },
                                        "required": True,
                                    },
                                    "from": {
                                        "type": "typed-dict-field",
                                        "schema": {
                                            "type": "str",
                                            "pattern": "^(?:(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29)$",
                                        },
                                        "required": True,
                                    },
                                    "to": {
                                        "type": "typed-dict-field",
                                        "schema": {
                                            "type": "str",
                                            "pattern": "^(?:(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29)$",
                                        },
                                        "required": False,
                                    },
                                },
                                "computed_fields": [],
                                "extra_behavior": "forbid",
                                "config": {
                                    "title": "Period",
                                    "extra_fields_behavior": "forbid",
                                    "strict": True,
                                    "hide_input_in_errors": True,
                                },
                                "ref": "schemas.agency.Period",
                            },
                        },
                        "min_length": 1,
                    },
                },
            },
            "required": False,
        },
    },
    "computed_fields": [],
    "extra_behavior": "forbid",
    "config": {
        "title": "AgencyData",
        "extra_fields_behavior": "forbid",
        "strict": True,
        "hide_input_in_errors": True,
    },
    "ref": "schemas.agency.AgencyData",
}

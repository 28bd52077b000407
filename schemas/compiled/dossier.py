"""The validator of the data of dossier events; written by `schemas.generate`."""
# ruff: noqa: E501 - patterns stay whole

from typing import Any, Final

VALIDATOR: Final[dict[str, Any]] = {
    "type": "typed-dict",
    "fields": {
        "dossier_code": {
            "type": "typed-dict-field",
            "schema": {
                "type": "str",
                "pattern": "^(?:[0-9]{3}[.][0-9]{2}[.][0-9]{2}[.][A-Y][0-9]{2}|[A-Y][0-9]{2}(?:[.][0-9]{1,4}){0,8})-(?:[0-9]{6}|[0-9]{8})-[0-9]{4,7}$",
            },
            "required": True,
        },
        "procedure_code": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "str",
                    "pattern": "^[1-9][.][0-9]{6}(?:[.](?:000[.]00[.]00[.])?[A-Y][0-9]{2})?$",
                },
            },
            "required": False,
        },
        "procedure_name": {
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
        "field_code": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "str",
                    "pattern": "^[0-9A-Za-z][0-9A-Za-z._-]{0,49}$",
                },
            },
            "required": False,
        },
        "receiving_agency": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "str",
                    "max_length": 35,
                    "pattern": "^(?:[A-Y][0-9]{2}(?:[.][0-9]{1,4}){0,8}|Z[0-9A-Z]{2}[0-9A-Z]{0,32}|[0-9]{3}[.][0-9]{2}[.][0-9]{2}[.][A-Y][0-9]{2})$",
                },
            },
            "required": False,
        },
        "handling_agency": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "str",
                    "max_length": 35,
                    "pattern": "^(?:[A-Y][0-9]{2}(?:[.][0-9]{1,4}){0,8}|Z[0-9A-Z]{2}[0-9A-Z]{0,32}|[0-9]{3}[.][0-9]{2}[.][0-9]{2}[.][A-Y][0-9]{2})$",
                },
            },
            "required": False,
        },
        "applicant": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "typed-dict",
                    "fields": {
                        "kind": {
                            "type": "typed-dict-field",
                            "schema": {
                                "type": "literal",
                                "expected": [
                                    "citizen",
                                    "enterprise",
                                    "household-business",
                                    "state-body",
                                    "other",
                                ],
                            },
                            "required": True,
                        },
                        "name": {
                            "type": "typed-dict-field",
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
                            "required": False,
                        },
                        "personal_id": {
                            "type": "typed-dict-field",
                            "schema": {
                                "type": "str",
                                "pattern": "^[0-9]{12}$",
                            },
                            "required": False,
                        },
                        "paper_number": {
                            "type": "typed-dict-field",
                            "schema": {
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
                            "required": False,
                        },
                        "phone": {
                            "type": "typed-dict-field",
                            "schema": {
                                "type": "str",
                                "pattern": "^[+]?[0-9]{3,20}$",
                            },
                            "required": False,
                        },
                    },
                    "computed_fields": [],
                    "extra_behavior": "forbid",
                    "config": {
                        "title": "Applicant",
                        "extra_fields_behavior": "forbid",
                        "strict": True,
                        "hide_input_in_errors": True,
                    },
                    "ref": "schemas.dossier.Applicant",
                },
            },
            "required": False,
        },
        "channel": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "literal",
                    "expected": [
                        "in-person",
                        "online",
                        "post",
                    ],
                },
            },
            "required": False,
        },
        "status": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "int",
                    "ge": 1,
                    "le": 10,
                },
            },
            "required": False,
        },
        "submitted_at": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "function-before",
                    "function": {
                        "rule": "instant",
                    },
                    "schema": {
                        "type": "str",
                    },
                },
            },
            "required": False,
        },
        "received_at": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "function-before",
                    "function": {
                        "rule": "instant",
                    },
                    "schema": {
                        "type": "str",
                    },
                },
            },
            "required": False,
        },
        "due_at": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "function-before",
                    "function": {
                        "rule": "instant",
                    },
                    "schema": {
                        "type": "str",
                    },
                },
            },
            "required": False,
        },
        "finished_at": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "function-before",
                    "function": {
                        "rule": "instant",
                    },
                    "schema": {
                        "type": "str",
                    },
                },
            },
            "required": False,
        },
        "returned_at": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "function-before",
                    "function": {
                        "rule": "instant",
                    },
                    "schema": {
                        "type": "str",
                    },
                },
            },
            "required": False,
        },
        "step": {
            "type": "typed-dict-field",
            "schema": {
                "type": "typed-dict",
                "fields": {
                    "id": {
                        "type": "typed-dict-field",
                        "schema": {
                            "type": "str",
                            "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029\\ufdd0-\\ufdef\\ufffe\\uffff]{1,128}$",
                        },
                        "required": True,
                    },
                    "at": {
                        "type": "typed-dict-field",
                        "schema": {
                            "type": "function-before",
                            "function": {
                                "rule": "instant",
                            },
                            "schema": {
                                "type": "str",
                            },
                        },
                        "required": True,
                    },
                    "status": {
                        "type": "typed-dict-field",
                        "schema": {
                            "type": "int",
                            "ge": 1,
                            "le": 10,
                        },
                        "required": False,
                    },
                    "handler": {
                        "type": "typed-dict-field",
                        "schema": {
                            "type": "function-before",
                            "function": {
                                "rule": "text",
                            },
                            "schema": {
                                "type": "str",
                                "min_length": 1,
                                "max_length": 1000,
                                "pattern": "^[^\\u0000]*[^\\u0000\\u0009-\\u000d\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000][^\\u0000]*$",
                            },
                        },
                        "required": False,
                    },
                    "position": {
                        "type": "typed-dict-field",
                        "schema": {
                            "type": "function-before",
                            "function": {
                                "rule": "text",
                            },
                            "schema": {
                                "type": "str",
                                "min_length": 1,
                                "max_length": 1000,
                                "pattern": "^[^\\u0000]*[^\\u0000\\u0009-\\u000d\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000][^\\u0000]*$",
                            },
                        },
                        "required": False,
                    },
                    "unit": {
                        "type": "typed-dict-field",
                        "schema": {
                            "type": "function-before",
                            "function": {
                                "rule": "text",
                            },
                            "schema": {
                                "type": "str",
                                "min_length": 1,
                                "max_length": 1000,
                                "pattern": "^[^\\u0000]*[^\\u0000\\u0009-\\u000d\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000][^\\u0000]*$",
                            },
                        },
                        "required": False,
                    },
                    "text": {
                        "type": "typed-dict-field",
                        "schema": {
                            "type": "function-before",
                            "function": {
                                "rule": "text",
                            },
                            "schema": {
                                "type": "str",
                                "min_length": 1,
                                "max_length": 1000,
                                "pattern": "^[^\\u0000]*[^\\u0000\\u0009-\\u000d\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000][^\\u0000]*$",
                            },
                        },
                        "required": False,
                    },
                    "due_at": {
                        "type": "typed-dict-field",
                        "schema": {
                            "type": "function-before",
                            "function": {
                                "rule": "instant",
                            },
                            "schema": {
                                "type": "str",
                            },
                        },
                        "required": False,
                    },
                    "origin": {
                        "type": "typed-dict-field",
                        "schema": {
                            "type": "function-before",
                            "function": {
                                "rule": "text",
                            },
                            "schema": {
                                "type": "str",
                                "min_length": 1,
                                "max_length": 1000,
                                "pattern": "^[^\\u0000]*[^\\u0000\\u0009-\\u000d\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000][^\\u0000]*$",
                            },
                        },
                        "required": False,
                    },
                },
                "computed_fields": [],
                "extra_behavior": "forbid",
                "config": {
                    "title": "Step",
                    "extra_fields_behavior": "forbid",
                    "strict": True,
                    "hide_input_in_errors": True,
                },
                "ref": "schemas.dossier.Step",
            },
            "required": False,
        },
        "fee": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "function-after",
                    "function": {
                        "rule": "states_something",
                    },
                    "schema": {
                        "type": "typed-dict",
                        "fields": {
                            "amount": {
                                "type": "typed-dict-field",
                                "schema": {
                                    "type": "int",
                                    "ge": 0,
                                    "le": 9007199254740992,
                                },
                                "required": False,
                            },
                            "paid": {
                                "type": "typed-dict-field",
                                "schema": {
                                    "type": "bool",
                                },
                                "required": False,
                            },
                            "paid_online": {
                                "type": "typed-dict-field",
                                "schema": {
                                    "type": "bool",
                                },
                                "required": False,
                            },
                        },
                        "computed_fields": [],
                        "extra_behavior": "forbid",
                        "config": {
                            "title": "Fee",
                            "extra_fields_behavior": "forbid",
                            "strict": True,
                            "hide_input_in_errors": True,
                        },
                        "ref": "schemas.dossier.Fee",
                    },
                },
            },
            "required": False,
        },
        "digitised_parts": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "bool",
                },
            },
            "required": False,
        },
        "digitised_result": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "bool",
                },
            },
            "required": False,
        },
        "reused_data": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "bool",
                },
            },
            "required": False,
        },
        "satisfaction": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "int",
                    "ge": 1,
                    "le": 5,
                },
            },
            "required": False,
        },
        "annulment": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "typed-dict",
                    "fields": {
                        "reason": {
                            "type": "typed-dict-field",
                            "schema": {
                                "type": "function-before",
                                "function": {
                                    "rule": "text",
                                },
                                "schema": {
                                    "type": "str",
                                    "min_length": 1,
                                    "max_length": 1000,
                                    "pattern": "^[^\\u0000]*[^\\u0000\\u0009-\\u000d\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000][^\\u0000]*$",
                                },
                            },
                            "required": True,
                        },
                        "same_as": {
                            "type": "typed-dict-field",
                            "schema": {
                                "type": "str",
                                "pattern": "^(?:[0-9]{3}[.][0-9]{2}[.][0-9]{2}[.][A-Y][0-9]{2}|[A-Y][0-9]{2}(?:[.][0-9]{1,4}){0,8})-(?:[0-9]{6}|[0-9]{8})-[0-9]{4,7}$",
                            },
                            "required": False,
                        },
                    },
                    "computed_fields": [],
                    "extra_behavior": "forbid",
                    "config": {
                        "title": "DossierAnnulment",
                        "extra_fields_behavior": "forbid",
                        "strict": True,
                        "hide_input_in_errors": True,
                    },
                    "ref": "schemas.dossier.DossierAnnulment",
                },
            },
            "required": False,
        },
    },
    "computed_fields": [],
    "extra_behavior": "forbid",
    "config": {
        "title": "DossierData",
        "extra_fields_behavior": "forbid",
        "strict": True,
        "hide_input_in_errors": True,
    },
    "ref": "schemas.dossier.DossierData",
}

"""The validator of the data of person events; written by `schemas.generate`."""
# ruff: noqa: E501 - patterns stay whole

from typing import Any, Final

VALIDATOR: Final[dict[str, Any]] = {
    "type": "definitions",
    "schema": {
        "type": "typed-dict",
        "fields": {
            "personal_id": {
                "type": "typed-dict-field",
                "schema": {
                    "type": "str",
                    "pattern": "^[0-9]{12}$",
                },
                "required": True,
            },
            "full_name": {
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
                            "max_length": 100,
                            "pattern": "^[^\\u0000]*[^\\u0000\\u0009-\\u000d\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000][^\\u0000]*$",
                        },
                    },
                },
                "required": False,
            },
            "date_of_birth": {
                "type": "typed-dict-field",
                "schema": {
                    "type": "nullable",
                    "schema": {
                        "type": "str",
                        "pattern": "^(?:(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)(?:-(?:0[1-9]|1[0-2]))?|(?:(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29))$",
                    },
                },
                "required": False,
            },
            "sex": {
                "type": "typed-dict-field",
                "schema": {
                    "type": "nullable",
                    "schema": {
                        "type": "literal",
                        "expected": [
                            "male",
                            "female",
                        ],
                    },
                },
                "required": False,
            },
            "nationality": {
                "type": "typed-dict-field",
                "schema": {
                    "type": "nullable",
                    "schema": {
                        "type": "str",
                        "pattern": "^[0-9A-Za-z][0-9A-Za-z._-]{0,19}$",
                    },
                },
                "required": False,
            },
            "ethnicity_code": {
                "type": "typed-dict-field",
                "schema": {
                    "type": "nullable",
                    "schema": {
                        "type": "str",
                        "pattern": "^[0-9A-Za-z][0-9A-Za-z._-]{0,19}$",
                    },
                },
                "required": False,
            },
            "marital_status_code": {
                "type": "typed-dict-field",
                "schema": {
                    "type": "nullable",
                    "schema": {
                        "type": "str",
                        "pattern": "^[0-9A-Za-z][0-9A-Za-z._-]{0,19}$",
                    },
                },
                "required": False,
            },
            "old_identity_number": {
                "type": "typed-dict-field",
                "schema": {
                    "type": "nullable",
                    "schema": {
                        "type": "str",
                        "pattern": "^[0-9]{9}$",
                    },
                },
                "required": False,
            },
            "identity_card": {
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
                                "issued_on": {
                                    "type": "typed-dict-field",
                                    "schema": {
                                        "type": "str",
                                        "pattern": "^(?:(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29)$",
                                    },
                                    "required": False,
                                },
                                "expires_on": {
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
                                "title": "IdentityCard",
                                "extra_fields_behavior": "forbid",
                                "strict": True,
                                "hide_input_in_errors": True,
                            },
                            "ref": "schemas.person.IdentityCard",
                        },
                    },
                },
                "required": False,
            },
            "life": {
                "type": "typed-dict-field",
                "schema": {
                    "type": "nullable",
                    "schema": {
                        "type": "typed-dict",
                        "fields": {
                            "status": {
                                "type": "typed-dict-field",
                                "schema": {
                                    "type": "literal",
                                    "expected": [
                                        "alive",
                                        "deceased",
                                        "missing",
                                    ],
                                },
                                "required": True,
                            },
                            "deceased_on": {
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
                            "title": "Life",
                            "extra_fields_behavior": "forbid",
                            "strict": True,
                            "hide_input_in_errors": True,
                        },
                        "ref": "schemas.person.Life",
                    },
                },
                "required": False,
            },
            "residence": {
                "type": "typed-dict-field",
                "schema": {
                    "type": "nullable",
                    "schema": {
                        "type": "definition-ref",
                        "schema_ref": "schemas.person.Place",
                    },
                },
                "required": False,
            },
            "current_residence": {
                "type": "typed-dict-field",
                "schema": {
                    "type": "nullable",
                    "schema": {
                        "type": "definition-ref",
                        "schema_ref": "schemas.person.Place",
                    },
                },
                "required": False,
            },
            "birth_registration_commune": {
                "type": "typed-dict-field",
                "schema": {
                    "type": "nullable",
                    "schema": {
                        "type": "str",
                        "pattern": "^[0-9]{5}$",
                    },
                },
                "required": False,
            },
            "household": {
                "type": "typed-dict-field",
                "schema": {
                    "type": "nullable",
                    "schema": {
                        "type": "typed-dict",
                        "fields": {
                            "head_id": {
                                "type": "typed-dict-field",
                                "schema": {
                                    "type": "str",
                                    "pattern": "^[0-9]{12}$",
                                },
                                "required": True,
                            },
                            "relation_code": {
                                "type": "typed-dict-field",
                                "schema": {
                                    "type": "str",
                                    "pattern": "^[0-9A-Za-z][0-9A-Za-z._-]{0,19}$",
                                },
                                "required": False,
                            },
                        },
                        "computed_fields": [],
                        "extra_behavior": "forbid",
                        "config": {
                            "title": "Household",
                            "extra_fields_behavior": "forbid",
                            "strict": True,
                            "hide_input_in_errors": True,
                        },
                        "ref": "schemas.person.Household",
                    },
                },
                "required": False,
            },
            "phone": {
                "type": "typed-dict-field",
                "schema": {
                    "type": "nullable",
                    "schema": {
                        "type": "str",
                        "pattern": "^[+]?[0-9]{3,20}$",
                    },
                },
                "required": False,
            },
            "eid": {
                "type": "typed-dict-field",
                "schema": {
                    "type": "nullable",
                    "schema": {
                        "type": "typed-dict",
                        "fields": {
                            "level": {
                                "type": "typed-dict-field",
                                "schema": {
                                    "type": "int",
                                    "ge": 1,
                                    "le": 2,
                                },
                                "required": True,
                            },
                            "activated_at": {
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
                        },
                        "computed_fields": [],
                        "extra_behavior": "forbid",
                        "config": {
                            "title": "ElectronicIdentity",
                            "extra_fields_behavior": "forbid",
                            "strict": True,
                            "hide_input_in_errors": True,
                        },
                        "ref": "schemas.person.ElectronicIdentity",
                    },
                },
                "required": False,
            },
            "digital_signature_issued_on": {
                "type": "typed-dict-field",
                "schema": {
                    "type": "nullable",
                    "schema": {
                        "type": "str",
                        "pattern": "^(?:(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29)$",
                    },
                },
                "required": False,
            },
            "replaces": {
                "type": "typed-dict-field",
                "schema": {
                    "type": "function-after",
                    "function": {
                        "rule": "distinct_in_order",
                    },
                    "schema": {
                        "type": "list",
                        "items_schema": {
                            "type": "str",
                            "pattern": "^[0-9]{12}$",
                        },
                        "min_length": 1,
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
                                    "pattern": "^[0-9]{12}$",
                                },
                                "required": False,
                            },
                        },
                        "computed_fields": [],
                        "extra_behavior": "forbid",
                        "config": {
                            "title": "PersonAnnulment",
                            "extra_fields_behavior": "forbid",
                            "strict": True,
                            "hide_input_in_errors": True,
                        },
                        "ref": "schemas.person.PersonAnnulment",
                    },
                },
                "required": False,
            },
        },
        "computed_fields": [],
        "extra_behavior": "forbid",
        "config": {
            "title": "PersonData",
            "extra_fields_behavior": "forbid",
            "strict": True,
            "hide_input_in_errors": True,
        },
        "ref": "schemas.person.PersonData",
    },
    "definitions": [
        {
            "type": "typed-dict",
            "fields": {
                "commune": {
                    "type": "typed-dict-field",
                    "schema": {
                        "type": "str",
                        "pattern": "^[0-9]{5}$",
                    },
                    "required": True,
                },
                "address": {
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
            },
            "computed_fields": [],
            "extra_behavior": "forbid",
            "config": {
                "title": "Place",
                "extra_fields_behavior": "forbid",
                "strict": True,
                "hide_input_in_errors": True,
            },
            "ref": "schemas.person.Place",
        },
    ],
}

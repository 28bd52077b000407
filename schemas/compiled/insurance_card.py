"""The validator of the data of insurance-card events; written by `schemas.generate`."""
# ruff: noqa: E501 - patterns stay whole

from typing import Any, Final

VALIDATOR: Final[dict[str, Any]] = {
    "type": "typed-dict",
    "fields": {
        "insurance_number": {
            "type": "typed-dict-field",
            "schema": {
                "type": "str",
                "pattern": "^[0-9]{10}$",
            },
            "required": True,
        },
        "personal_id": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "str",
                    "pattern": "^[0-9]{12}$",
                },
            },
            "required": False,
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
        "address": {
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
        "card": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "typed-dict",
                    "fields": {
                        "number": {
                            "type": "typed-dict-field",
                            "schema": {
                                "type": "function-before",
                                "function": {
                                    "rule": "card_number",
                                },
                                "schema": {
                                    "type": "str",
                                    "pattern": "^(?:[A-Z]{2}[1-5][0-9]{2}(?:[0-9]{10}|KT[0-9]{8})|[0-9]{10})$",
                                },
                            },
                            "required": True,
                        },
                        "group_code": {
                            "type": "typed-dict-field",
                            "schema": {
                                "type": "str",
                                "pattern": "^[A-Z]{2}$",
                            },
                            "required": False,
                        },
                        "benefit_level": {
                            "type": "typed-dict-field",
                            "schema": {
                                "type": "int",
                                "ge": 1,
                                "le": 5,
                            },
                            "required": False,
                        },
                        "valid_from": {
                            "type": "typed-dict-field",
                            "schema": {
                                "type": "str",
                                "pattern": "^(?:(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29)$",
                            },
                            "required": False,
                        },
                        "valid_to": {
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
                        "title": "Card",
                        "extra_fields_behavior": "forbid",
                        "strict": True,
                        "hide_input_in_errors": True,
                    },
                    "ref": "schemas.insurance_card.Card",
                },
            },
            "required": False,
        },
        "five_years_from": {
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
        "primary_facility": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "str",
                    "pattern": "^[0-9]{2}[0-9A-Z][0-9]{2}$",
                },
            },
            "required": False,
        },
        "status": {
            "type": "typed-dict-field",
            "schema": {
                "type": "nullable",
                "schema": {
                    "type": "literal",
                    "expected": [
                        "active",
                        "suspended",
                        "ended",
                    ],
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
                                "pattern": "^[0-9]{10}$",
                            },
                            "required": False,
                        },
                    },
                    "computed_fields": [],
                    "extra_behavior": "forbid",
                    "config": {
                        "title": "InsuranceCardAnnulment",
                        "extra_fields_behavior": "forbid",
                        "strict": True,
                        "hide_input_in_errors": True,
                    },
                    "ref": "schemas.insurance_card.InsuranceCardAnnulment",
                },
            },
            "required": False,
        },
    },
    "computed_fields": [],
    "extra_behavior": "forbid",
    "config": {
        "title": "InsuranceCardData",
        "extra_fields_behavior": "forbid",
        "strict": True,
        "hide_input_in_errors": True,
    },
    "ref": "schemas.insurance_card.InsuranceCardData",
}

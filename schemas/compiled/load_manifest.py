"""The validator of load manifests; written by `schemas.generate`."""
# ruff: noqa: E501 - patterns stay whole

from typing import Any, Final

VALIDATOR: Final[dict[str, Any]] = {
    "type": "tagged-union",
    "choices": {
        "ndjson": {
            "type": "typed-dict",
            "fields": {
                "format": {
                    "type": "typed-dict-field",
                    "schema": {
                        "type": "literal",
                        "expected": [
                            "ndjson",
                        ],
                    },
                    "required": True,
                },
                "note": {
                    "type": "typed-dict-field",
                    "schema": {
                        "type": "str",
                        "max_length": 1000,
                    },
                    "required": False,
                },
                "queue": {
                    "type": "typed-dict-field",
                    "schema": {
                        "type": "literal",
                        "expected": [
                            "population",
                            "insurance",
                            "dossier",
                            "registry",
                        ],
                    },
                    "required": False,
                },
            },
            "computed_fields": [],
            "extra_behavior": "forbid",
            "config": {
                "title": "NdjsonManifest",
                "extra_fields_behavior": "forbid",
                "strict": True,
                "hide_input_in_errors": True,
            },
            "ref": "schemas.load_manifest.NdjsonManifest",
        },
        "csv": {
            "type": "typed-dict",
            "fields": {
                "format": {
                    "type": "typed-dict-field",
                    "schema": {
                        "type": "literal",
                        "expected": [
                            "csv",
                        ],
                    },
                    "required": True,
                },
                "note": {
                    "type": "typed-dict-field",
                    "schema": {
                        "type": "str",
                        "max_length": 1000,
                    },
                    "required": False,
                },
                "delimiter": {
                    "type": "typed-dict-field",
                    "schema": {
                        "type": "literal",
                        "expected": [
                            ",",
                            ";",
                            "\t",
                            "|",
                        ],
                    },
                    "required": False,
                },
                "source": {
                    "type": "typed-dict-field",
                    "schema": {
                        "type": "str",
                        "min_length": 1,
                        "max_length": 100,
                    },
                    "required": True,
                },
                "type": {
                    "type": "typed-dict-field",
                    "schema": {
                        "type": "str",
                        "min_length": 1,
                        "max_length": 100,
                    },
                    "required": True,
                },
                "id": {
                    "type": "typed-dict-field",
                    "schema": {
                        "type": "str",
                        "min_length": 1,
                        "max_length": 1000,
                    },
                    "required": True,
                },
                "time": {
                    "type": "typed-dict-field",
                    "schema": {
                        "type": "typed-dict",
                        "fields": {
                            "value": {
                                "type": "typed-dict-field",
                                "schema": {
                                    "type": "str",
                                    "min_length": 1,
                                    "max_length": 1000,
                                },
                                "required": True,
                            },
                            "forms": {
                                "type": "typed-dict-field",
                                "schema": {
                                    "type": "list",
                                    "items_schema": {
                                        "type": "str",
                                        "pattern": "^(?:yyyy|MM|M|dd|d|HH|H|mm|ss|[-/. :T]){1,20}$",
                                    },
                                    "min_length": 1,
                                    "max_length": 10,
                                },
                                "required": False,
                            },
                            "zone": {
                                "type": "typed-dict-field",
                                "schema": {
                                    "type": "str",
                                    "pattern": "^(?:Asia/Ho_Chi_Minh|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])$",
                                },
                                "required": False,
                            },
                        },
                        "computed_fields": [],
                        "extra_behavior": "forbid",
                        "config": {
                            "title": "Moment",
                            "extra_fields_behavior": "forbid",
                            "strict": True,
                            "hide_input_in_errors": True,
                        },
                        "ref": "schemas.load_manifest.Moment",
                    },
                    "required": True,
                },
                "sequence": {
                    "type": "typed-dict-field",
                    "schema": {
                        "type": "str",
                        "min_length": 1,
                        "max_length": 1000,
                    },
                    "required": False,
                },
                "columns": {
                    "type": "typed-dict-field",
                    "schema": {
                        "type": "dict",
                        "keys_schema": {
                            "type": "str",
                            "min_length": 1,
                            "max_length": 200,
                        },
                        "values_schema": {
                            "type": "typed-dict",
                            "fields": {
                                "field": {
                                    "type": "typed-dict-field",
                                    "schema": {
                                        "type": "str",
                                        "pattern": "^[a-z][a-z_]{0,39}(?:/[a-z][a-z_]{0,39}){0,3}$",
                                    },
                                    "required": True,
                                },
                                "pad": {
                                    "type": "typed-dict-field",
                                    "schema": {
                                        "type": "int",
                                        "ge": 2,
                                        "le": 30,
                                    },
                                    "required": False,
                                },
                                "dates": {
                                    "type": "typed-dict-field",
                                    "schema": {
                                        "type": "list",
                                        "items_schema": {
                                            "type": "str",
                                            "pattern": "^(?:yyyy|MM|M|dd|d|HH|H|mm|ss|[-/. :T]){1,20}$",
                                        },
                                        "min_length": 1,
                                        "max_length": 10,
                                    },
                                    "required": False,
                                },
                                "instants": {
                                    "type": "typed-dict-field",
                                    "schema": {
                                        "type": "list",
                                        "items_schema": {
                                            "type": "str",
                                            "pattern": "^(?:yyyy|MM|M|dd|d|HH|H|mm|ss|[-/. :T]){1,20}$",
                                        },
                                        "min_length": 1,
                                        "max_length": 10,
                                    },
                                    "required": False,
                                },
                                "zone": {
                                    "type": "typed-dict-field",
                                    "schema": {
                                        "type": "str",
                                        "pattern": "^(?:Asia/Ho_Chi_Minh|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])$",
                                    },
                                    "required": False,
                                },
                                "words": {
                                    "type": "typed-dict-field",
                                    "schema": {
                                        "type": "dict",
                                        "keys_schema": {
                                            "type": "str",
                                            "max_length": 200,
                                        },
                                        "values_schema": {
                                            "type": "union",
                                            "choices": [
                                                {
                                                    "type": "str",
                                                },
                                                {
                                                    "type": "int",
                                                },
                                                {
                                                    "type": "bool",
                                                },
                                            ],
                                        },
                                        "min_length": 1,
                                        "max_length": 1000,
                                    },
                                    "required": False,
                                },
                                "whole": {
                                    "type": "typed-dict-field",
                                    "schema": {
                                        "type": "literal",
                                        "expected": [
                                            True,
                                        ],
                                    },
                                    "required": False,
                                },
                                "grouping": {
                                    "type": "typed-dict-field",
                                    "schema": {
                                        "type": "literal",
                                        "expected": [
                                            ".",
                                            ",",
                                            " ",
                                        ],
                                    },
                                    "required": False,
                                },
                                "split": {
                                    "type": "typed-dict-field",
                                    "schema": {
                                        "type": "literal",
                                        "expected": [
                                            ";",
                                            ",",
                                            "|",
                                            " ",
                                        ],
                                    },
                                    "required": False,
                                },
                                "empty": {
                                    "type": "typed-dict-field",
                                    "schema": {
                                        "type": "literal",
                                        "expected": [
                                            "absent",
                                            "null",
                                        ],
                                    },
                                    "required": False,
                                },
                            },
                            "computed_fields": [],
                            "extra_behavior": "forbid",
                            "config": {
                                "title": "Column",
                                "extra_fields_behavior": "forbid",
                                "strict": True,
                                "hide_input_in_errors": True,
                            },
                            "ref": "schemas.load_manifest.Column",
                        },
                        "min_length": 1,
                        "max_length": 500,
                    },
                    "required": True,
                },
                "composed": {
                    "type": "typed-dict-field",
                    "schema": {
                        "type": "dict",
                        "keys_schema": {
                            "type": "str",
                            "pattern": "^[a-z][a-z_]{0,39}(?:/[a-z][a-z_]{0,39}){0,3}$",
                        },
                        "values_schema": {
                            "type": "str",
                            "min_length": 1,
                            "max_length": 1000,
                        },
                    },
                    "required": False,
                },
                "constants": {
                    "type": "typed-dict-field",
                    "schema": {
                        "type": "dict",
                        "keys_schema": {
                            "type": "str",
                            "pattern": "^[a-z][a-z_]{0,39}(?:/[a-z][a-z_]{0,39}){0,3}$",
                        },
                        "values_schema": {
                            "type": "union",
                            "choices": [
                                {
                                    "type": "str",
                                },
                                {
                                    "type": "int",
                                },
                                {
                                    "type": "bool",
                                },
                            ],
                        },
                    },
                    "required": False,
                },
                "blank": {
                    "type": "typed-dict-field",
                    "schema": {
                        "type": "list",
                        "items_schema": {
                            "type": "str",
                            "max_length": 200,
                        },
                        "max_length": 50,
                    },
                    "required": False,
                },
                "ignore": {
                    "type": "typed-dict-field",
                    "schema": {
                        "type": "list",
                        "items_schema": {
                            "type": "str",
                            "max_length": 200,
                        },
                        "max_length": 500,
                    },
                    "required": False,
                },
            },
            "computed_fields": [],
            "extra_behavior": "forbid",
            "config": {
                "title": "CsvManifest",
                "extra_fields_behavior": "forbid",
                "strict": True,
                "hide_input_in_errors": True,
            },
            "ref": "schemas.load_manifest.CsvManifest",
        },
    },
    "discriminator": "format",
    "strict": False,
    "from_attributes": True,
}

"""The functions that SQL of a model may call, beside those that sqlglot has a class for.

sqlglot's classes are of functions that look at nothing but their arguments (compared 2026-11, sqlglot 30.30, with the
164 of them that PostgreSQL 18 has). Those below are chosen from PostgreSQL's pg_proc and SQLite's pragma_function_list.
What runs a text as SQL (query_to_xml, ts_stat, ts_rewrite), reads files, settings, sequences, sessions or large
objects, or waits, is not among them.
"""

from collections.abc import Mapping

from blocks.schemas.snapshot import Dialect

_POSTGRESQL = """
    num_nonnulls num_nulls
    bool bpchar date float4 float8 int2 int4 int8 numeric text timestamptz timetz varchar
    acosd asind atan2d atand bit_count cosd cotd erf erfc gamma gcd lcm lgamma min_scale pi random_normal scale sind
    tand trim_scale
    casefold convert_from convert_to crc32 crc32c get_byte is_normalized octet_length overlay parse_ident quote_ident
    quote_literal quote_nullable regexp_match regexp_matches regexp_split_to_array regexp_split_to_table sha224
    starts_with string_to_table to_ascii to_bin to_oct translate unistr
    age clock_timestamp date_subtract isfinite make_date make_time make_timestamptz statement_timestamp timeofday
    timezone transaction_timestamp
    array_append array_cat array_dims array_fill array_lower array_ndims array_positions array_prepend array_replace
    array_sample array_shuffle array_to_json array_upper cardinality generate_subscripts trim_array
    datemultirange daterange int4multirange int4range int8multirange int8range isempty lower_inc lower_inf multirange
    nummultirange numrange range_agg range_intersect_agg range_merge tsmultirange tsrange tstzmultirange tstzrange
    upper_inc upper_inf
    json_agg_strict json_array_elements json_array_elements_text json_array_length json_build_array json_build_object
    json_each json_each_text json_object_agg_strict json_object_agg_unique json_object_keys json_to_record
    json_to_recordset json_typeof jsonb_agg jsonb_agg_strict jsonb_array_elements jsonb_array_elements_text
    jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_insert jsonb_object
    jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_keys jsonb_path_exists jsonb_path_exists_tz
    jsonb_path_match jsonb_path_match_tz jsonb_path_query jsonb_path_query_array jsonb_path_query_array_tz
    jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz jsonb_pretty jsonb_set jsonb_set_lax
    jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof row_to_json to_json to_jsonb
    array_to_tsvector numnode phraseto_tsquery plainto_tsquery setweight strip to_tsquery to_tsvector ts_headline
    ts_rank ts_rank_cd websearch_to_tsquery
    every uuid_extract_timestamp uuid_extract_version
"""
_SQLITE = """
    concat concat_ws likelihood likely octet_length printf quote string_agg total unhex unlikely
    date datetime julianday time timediff unixepoch
    json json_array json_array_length json_each json_error_position json_insert json_patch json_pretty json_quote
    json_replace json_tree json_valid jsonb jsonb_array jsonb_extract jsonb_group_array jsonb_group_object jsonb_object
    bm25 highlight snippet
    generate_series
"""
FUNCTIONS: Mapping[Dialect, frozenset[str]] = {
    "postgresql": frozenset(_POSTGRESQL.split()),
    "sqlite": frozenset(_SQLITE.split()),
}

//! `list:set`.

use ipset_netlink::SetType;

use super::argument::Argument::{self, Size};
use super::revision::{COMMENT, COUNTERS, INITIAL, SKBINFO};
use super::row::Row;

const NONE: &[Argument] = &[];

pub(super) static ROWS: [Row; 1] = [Row {
    set_type: SetType::ListSet,
    alias: "setlist",
    revisions: (0, &[INITIAL, COUNTERS, COMMENT, SKBINFO]),
    before: &[Size],
    after: NONE,
    entry: "NAME [before|after NAME]",
    tests_ranges: false,
    usage: &["where NAME are existing set names."],
}];

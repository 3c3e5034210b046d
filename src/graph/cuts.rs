//! Legal cuts.

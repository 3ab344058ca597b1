//! Dialects that several clouds speak.

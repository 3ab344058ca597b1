#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| welkin::fuzz::aws_lists(data));

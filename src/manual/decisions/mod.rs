//! Why it is as it is: context, choice, what was rejected, what follows.

#[doc = include_str!("one_unsafe_line.md")]
pub mod one_unsafe_line {}

#[doc = include_str!("created_without_a_second_look.md")]
pub mod created_without_a_second_look {}

#[doc = include_str!("orders_carry_a_mark.md")]
pub mod orders_carry_a_mark {}

#[doc = include_str!("cursors_are_data.md")]
pub mod cursors_are_data {}

#[doc = include_str!("refused_is_not_done.md")]
pub mod refused_is_not_done {}

#[doc = include_str!("a_named_ca_stands_alone.md")]
pub mod a_named_ca_stands_alone {}

#[doc = include_str!("proxies_are_tunnels.md")]
pub mod proxies_are_tunnels {}

#[doc = include_str!("who_logs_in_by_tls_keeps_to_it.md")]
pub mod who_logs_in_by_tls_keeps_to_it {}

#[doc = include_str!("a_host_has_moved.md")]
pub mod a_host_has_moved {}

#[doc = include_str!("which_region.md")]
pub mod which_region {}

#[doc = include_str!("signing_sees_the_whole_request.md")]
pub mod signing_sees_the_whole_request {}

#[doc = include_str!("content_is_supplied_not_held.md")]
pub mod content_is_supplied_not_held {}

#[doc = include_str!("all_slow_down_together.md")]
pub mod all_slow_down_together {}

#[doc = include_str!("one_login_for_many_drivers.md")]
pub mod one_login_for_many_drivers {}

#[doc = include_str!("one_place_names_a_provider.md")]
pub mod one_place_names_a_provider {}

#[doc = include_str!("a_gate_only_on_a_miss.md")]
pub mod a_gate_only_on_a_miss {}

#[doc = include_str!("who_leaves_takes_nothing.md")]
pub mod who_leaves_takes_nothing {}

#[doc = include_str!("trusted_for_a_second.md")]
pub mod trusted_for_a_second {}

#[doc = include_str!("models_share_the_source.md")]
pub mod models_share_the_source {}

#[doc = include_str!("no_vendor_profiles.md")]
pub mod no_vendor_profiles {}

#[doc = include_str!("nova_is_asked_for_its_versions_late.md")]
pub mod nova_is_asked_for_its_versions_late {}

#[doc = include_str!("no_rsa_over_ssh.md")]
pub mod no_rsa_over_ssh {}

#[doc = include_str!("one_look_for_all_who_wait.md")]
pub mod one_look_for_all_who_wait {}

#[doc = include_str!("many_are_operations.md")]
pub mod many_are_operations {}

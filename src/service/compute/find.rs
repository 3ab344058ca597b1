//! Finding by id or name.

use std::sync::Arc;

use super::{Compute, id};
use crate::call::{Call, Cursor, Step};
use crate::error::{Error, Result};
use crate::op::Op;
use crate::page;
use crate::service::node::{Image, Node, Size};

impl Compute {
    /// Finds the size of that id or, if only one has it, of that name.
    ///
    /// # Errors
    /// `Invalid` when none or several match; the message lists what there is.
    pub fn find_size(&self, id_or_name: impl Into<String>) -> Op<Size> {
        let api = Arc::clone(&self.api);
        let all = page::whole(Arc::new(move |from: Option<&Cursor>| api.list_sizes(from)));
        let call = find(all, "size", id_or_name.into());
        Op::new(&self.session, "find_size", call)
    }

    /// Finds the image of that id or, if only one has it, of that name.
    ///
    /// # Errors
    /// `Invalid` when none or several match; the message lists what there is.
    pub fn find_image(&self, id_or_name: impl Into<String>) -> Op<Image> {
        let api = Arc::clone(&self.api);
        let all = page::whole(Arc::new(move |from: Option<&Cursor>| api.list_images(from)));
        let call = find(all, "image", id_or_name.into());
        Op::new(&self.session, "find_image", call)
    }

    /// Finds the node of that id or, if only one has it, of that name.
    ///
    /// # Errors
    /// `Invalid` when none or several match; the message lists what there is.
    pub fn find_node(&self, id_or_name: impl Into<String>) -> Op<Node> {
        let api = Arc::clone(&self.api);
        let all = page::whole(Arc::new(move |from: Option<&Cursor>| api.list_nodes(from)));
        let call = find(all, "node", id_or_name.into());
        Op::new(&self.session, "find_node", call)
    }
}

/// What can be found by id or name.
trait Named {
    fn id(&self) -> &str;
    fn name(&self) -> &str;
}

impl Named for Size {
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for Node {
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for Image {
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
}

fn find<T: Named + Send + 'static>(
    all: Result<Call<Vec<T>>>,
    what: &'static str,
    key: String,
) -> Result<Call<T>> {
    id(&key, what)?;
    Ok(all?.then(move |all| choose(all, what, &key).map(Step::Done)))
}

fn choose<T: Named>(mut all: Vec<T>, what: &str, key: &str) -> Result<T> {
    if let Some(i) = all.iter().position(|x| x.id() == key) {
        return Ok(all.swap_remove(i));
    }
    let mut named = all.iter().enumerate().filter(|(_, x)| x.name() == key);
    match (named.next(), named.next()) {
        (Some((i, _)), None) => Ok(all.swap_remove(i)),
        (Some((_, a)), Some((_, b))) => {
            let ids: Vec<_> =
                [a.id(), b.id()].into_iter().chain(named.map(|(_, x)| x.id())).collect();
            Err(Error::invalid(format!(
                "{} {what}s are named {key:?}; use the id of one: {}",
                ids.len(),
                ids.join(", ")
            )))
        }
        (None, _) => {
            let names: Vec<_> = all.iter().map(Named::name).collect();
            Err(Error::invalid(format!("no {what} {key:?}; there are: {}", listed(&names))))
        }
    }
}

/// Joins names for a message, the first twenty of them.
fn listed(names: &[&str]) -> String {
    match names.len() {
        0 => "none".into(),
        1..=20 => names.join(", "),
        n => format!("{} and {} more", names[..20].join(", "), n - 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn sizes() -> Vec<Size> {
        [("1", "small"), ("2", "twin"), ("3", "twin"), ("small", "odd")]
            .map(|(id, name)| Size::new(id, name))
            .into()
    }

    #[test]
    fn an_id_goes_before_a_name_and_a_name_must_be_the_only_one() {
        assert_eq!(choose(sizes(), "size", "2").unwrap().id, "2");
        assert_eq!(choose(sizes(), "size", "small").unwrap().name, "odd", "an id goes first");
        assert_eq!(choose(sizes(), "size", "odd").unwrap().id, "small");
        let error = choose(sizes(), "size", "twin").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("use the id of one: 2, 3"), "{error}");
    }

    #[test]
    fn what_is_not_found_is_said_with_what_there_is() {
        let error = choose(sizes(), "size", "huge").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("there are: small, twin, twin, odd"), "{error}");
        let many: Vec<_> = (0..50).map(|i| Size::new(i.to_string(), format!("s{i}"))).collect();
        let error = choose(many, "size", "huge").unwrap_err();
        assert!(error.to_string().ends_with("s19 and 30 more"), "{error}");
        assert!(choose(Vec::<Size>::new(), "size", "x").is_err());
    }
}

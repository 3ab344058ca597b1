//! Choosing one of several by id or by unique name.

use crate::complaint::Complaint;

/// What has an id and a name.
pub(crate) trait Named {
    fn id(&self) -> &str;
    fn name(&self) -> &str;
}

impl Named for welkin::Node {
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for welkin::Location {
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for welkin::openstack::Network {
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
}

/// Chooses the one of that id or, if only one has it, of that name.
pub(crate) fn choose<'a, T: Named>(
    all: &'a [T],
    what: &str,
    key: &str,
) -> Result<&'a T, Complaint> {
    if let Some(one) = all.iter().find(|one| one.id() == key) {
        return Ok(one);
    }
    let named: Vec<_> = all.iter().filter(|one| one.name() == key).collect();
    match named[..] {
        [one] => Ok(one),
        [] => {
            let names: Vec<_> = all.iter().map(Named::name).collect();
            let there_are = listed(&names);
            Err(Complaint::new(format!("no {what} {key:?}; there are: {there_are}")))
        }
        _ => {
            let ids: Vec<_> = named.iter().map(|one| one.id()).collect();
            Err(Complaint::new(format!(
                "{} {what}s are named {key:?}; use the id of one: {}",
                ids.len(),
                ids.join(", ")
            )))
        }
    }
}

/// Joins names for a message, the first twenty of them.
fn listed(names: &[&str]) -> String {
    match names.len() {
        0 => "none".to_owned(),
        1..=20 => names.join(", "),
        n => format!("{} and {} more", names[..20].join(", "), n - 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use welkin::{Node, NodeState};

    fn nodes() -> Vec<Node> {
        [("1", "web"), ("2", "twin"), ("3", "twin"), ("web", "odd")]
            .map(|(id, name)| Node::new(id, name, NodeState::Running))
            .into()
    }

    #[test]
    fn an_id_goes_before_a_name_and_a_name_must_be_the_only_one() {
        let nodes = nodes();
        assert_eq!(choose(&nodes, "node", "2").unwrap().id, "2");
        assert_eq!(choose(&nodes, "node", "web").unwrap().name, "odd");
        assert_eq!(choose(&nodes, "node", "odd").unwrap().id, "web");
        let twins = choose(&nodes, "node", "twin").unwrap_err().to_string();
        assert_eq!(twins, "2 nodes are named \"twin\"; use the id of one: 2, 3");
    }

    #[test]
    fn what_is_not_found_is_said_with_what_there_is() {
        let missing = choose(&nodes(), "node", "x\n").unwrap_err().to_string();
        assert_eq!(missing, "no node \"x\\n\"; there are: web, twin, twin, odd");
        let none = choose(&[] as &[Node], "node", "x").unwrap_err().to_string();
        assert_eq!(none, "no node \"x\"; there are: none");
    }
}

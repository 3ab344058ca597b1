use super::*;

const CATALOG: &str = r#"[
  {"type": "compute", "name": "nova", "endpoints": [
    {"interface": "public", "region_id": "N", "url": "http://n:8774/v2.1"},
    {"interface": "internal", "region_id": "N", "url": "http://in:8774/v2.1"},
    {"interface": "public", "region_id": "S", "url": "http://s:8774/v2.1"}]},
  {"type": "compute-beta", "name": "next", "endpoints": [
    {"interface": "public", "region_id": "N", "url": "http://beta:8774"}]},
  {"type": "volumev3", "name": "cinder", "endpoints": [
    {"interface": "public", "region_id": "N", "url": "http://n:8776/v3/p1"}]}]"#;

fn shown(overrides: &[Override]) -> Vec<String> {
    let catalog = serde_json::from_str(CATALOG).expect("a catalog");
    let show = |Endpoint { service, region, url }| {
        format!("{service} {} {url}", region.as_deref().unwrap_or("*"))
    };
    endpoints(catalog, Interface::Public, overrides, Some("p1")).into_iter().map(show).collect()
}

fn compute(change: impl FnOnce(&mut Override)) -> Override {
    let mut this = Override { types: &["compute"], ..Override::default() };
    change(&mut this);
    this
}

const BETA: &str = "compute-beta N http://beta:8774";
const CINDER: &str = "volumev3 N http://n:8776/v3/p1";

#[test]
fn without_overrides_the_catalog_is_as_it_is() {
    let [north, south] = ["compute N http://n:8774/v2.1", "compute S http://s:8774/v2.1"];
    assert_eq!(shown(&[]), [north, south, BETA, CINDER]);
}

#[test]
fn one_service_can_have_another_interface_or_one_region() {
    let internal = compute(|this| this.interface = Some(Interface::Internal));
    assert_eq!(shown(&[internal]), ["compute N http://in:8774/v2.1", BETA, CINDER]);
    let south = compute(|this| this.region = Some("S".into()));
    assert_eq!(shown(&[south]), ["compute * http://s:8774/v2.1", BETA, CINDER]);
}

#[test]
fn one_service_can_have_another_type_or_name_in_the_catalog() {
    let beta = compute(|this| this.kind = Some("compute-beta".into()));
    assert_eq!(shown(&[beta]), ["compute N http://beta:8774/v2.1", CINDER]);
    let other = compute(|this| this.name = Some("nobody".into()));
    assert_eq!(shown(&[other]), [BETA, CINDER]);
}

#[test]
fn an_address_of_its_own_takes_the_place_of_all_that_the_catalog_says() {
    for (url, there) in [
        ("http://own:1", "compute * http://own:1/v2.1"),
        ("http://own/v2/%(tenant_id)s/", "compute * http://own/v2/p1"),
        ("http://{region}.own/v2.1/$(project_id)s", "compute * http://{region}.own/v2.1/p1"),
    ] {
        let own = compute(|this| this.url = Some(url.into()));
        assert_eq!(shown(&[own]), [BETA, CINDER, there]);
    }
    let volumes = Override {
        types: &["block-storage", "volumev3"],
        url: Some("http://own/v3".into()),
        ..Override::default()
    };
    let shown = shown(&[volumes]);
    assert_eq!(shown[3..], ["block-storage * http://own/v3", "volumev3 * http://own/v3"]);
}

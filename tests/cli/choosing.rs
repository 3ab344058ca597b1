//! Things by id or unique name.

use super::*;

#[test]
fn a_name_that_several_have_is_refused_with_their_ids() {
    let sim = quick();
    let ids = make(&sim, &["twin", "twin", "other"]);
    for verb in ["get-node", "destroy-node", "reboot-node", "start-node", "stop-node"] {
        let refused = compute(&sim, &[verb, "twin"]);
        let line = refused.complaint();
        assert!(line.contains("2 nodes are named \"twin\"; use the id of one: "), "{line}");
        assert!(line.contains(&ids[0]) && line.contains(&ids[1]), "{line}");
    }
    assert_eq!(sim.servers().len(), 3);
    compute(&sim, &["destroy-node", &ids[0]]).table();
    compute(&sim, &["destroy-node", "twin"]).table();
    assert_eq!(names(&compute_json(&sim, &["list-nodes"]).json()), ["other"]);
}

#[test]
fn what_is_not_there_is_told_with_what_there_is() {
    let sim = quick();
    let node = make(&sim, &["web"]).remove(0);
    let image = text(&compute_json(&sim, &["get-image", "tiny"]).json()[0]["id"]);
    let new = ["create-node", "x", "--size", "m1.tiny", "--image", "tiny"];
    for (args, why) in [
        (&["get-node", "nope"][..], "no node \"nope\"; there are: web"),
        (&["get-node", ""], "no node \"\"; there are: web"),
        (&["get-node", "we"], "no node \"we\"; there are: web"),
        (&["get-node", "../web"], "no node \"../web\"; there are: web"),
        (&["get-node", "detail"], "no node \"detail\"; there are: web"),
        (&["get-node", &image], "there are: web"),
        (&["get-image", "nope"], "no image \"nope\"; there are: "),
        (&["get-image", ""], "the image's id is empty"),
        (&["get-image", &node], "there are: "),
        (&["get-key-pair", "nope"], "list-key-pairs shows those that there are"),
        (
            &["create-node", "x", "--size", "huge", "--image", "tiny"],
            "there are: m1.tiny, m1.small",
        ),
        (&["create-node", "x", "--size", "m1.tiny", "--image", "huge"], "no image \"huge\""),
        (&[&new[..], &["--network", "moon"]].concat(), "no network \"moon\"; there are: "),
        (&[&new[..], &["--location", "moon"]].concat(), "no location \"moon\"; there are: nova"),
        (&[&new[..], &["--key-pair", "moon"]].concat(), "Invalid key_name provided"),
    ] {
        let refused = compute(&sim, args);
        assert!(refused.complaint().contains(why), "{args:?}: {}", refused.told);
    }
    assert_eq!(sim.servers().len(), 1);
}

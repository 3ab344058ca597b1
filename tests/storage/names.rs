//! Names of any characters: stored exactly, listed exactly.

use super::*;

#[test]
#[ignore = "asks a real server"]
fn odd_names_are_kept_as_they_are() {
    let storage = storage();
    let container = Guarded::new(&storage, "names");
    let longest = "n".repeat(1_024);
    let names = [
        "ümlaut 雲 ☁ \u{1f600}",
        "?#%+ &=;:@,$!'()*[]{}|\\^`\"<>~",
        "100%41",
        "a+b c%20d%2Fe",
        "/leading",
        "trailing/",
        "a//b///c",
        "../up/../../and.up",
        "./here/.",
        "..",
        "tab\tand\nnewline",
        " spaces around ",
        &longest,
    ];
    let strict = refuses("names");
    let names = names.into_iter().filter(|name| strict || !name.contains('\n'));
    let names: Vec<_> = names.collect();
    for name in &names {
        let (name, content) = (*name, format!("this is {name}"));
        let stored = storage.upload_object(&container, name, content.clone()).wait();
        let stored = stored.unwrap_or_else(|e| panic!("{name:?}: {e:?}"));
        assert_eq!((stored.name.as_str(), stored.size), (name, content.len() as u64));
        let back = storage.download_object(&container, name).bytes().wait();
        assert_eq!(back.unwrap_or_else(|e| panic!("{name:?}: {e:?}")), content);
    }
    let mut listed: Vec<_> =
        storage.list_objects(&container).wait().unwrap().into_iter().map(|o| o.name).collect();
    let mut expected = names.clone();
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
    for name in names {
        storage.delete_object(&container, name).wait().unwrap();
    }
    assert_eq!(storage.list_objects(&container).wait().unwrap(), []);
}

#[test]
#[ignore = "asks a real server"]
fn names_that_cannot_be_are_refused() {
    let storage = storage();
    let container = Guarded::new(&storage, "wrong");
    let strict = refuses("names");
    let theirs = ["UPPER_and spaces", &"x".repeat(300)];
    for name in ["", "a/b", ".", ".."].into_iter().chain(theirs.into_iter().filter(|_| strict)) {
        let error = storage.create_container(name).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name:?}: {error:?}");
    }
    let error = storage.upload_object(&container, "", "x").wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    if strict {
        let long = "n".repeat(1_025);
        let error = storage.upload_object(&container, long, "x").wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    }
}

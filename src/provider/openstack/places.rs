//! Where users of OpenStack keep their files.
//!
//! <https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html>

use std::path::{Path, PathBuf};

/// A kind of file.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// The clouds.
    Clouds,
    /// What is laid over them and better kept apart.
    Secure,
    /// What clouds of one vendor have in common.
    Vendors,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Clouds => "clouds",
            Self::Secure => "secure",
            Self::Vendors => "clouds-public",
        }
    }

    /// The variable that names such a file.
    pub(super) fn variable(self) -> &'static str {
        match self {
            Self::Clouds => "OS_CLIENT_CONFIG_FILE",
            Self::Secure => "OS_CLIENT_SECURE_FILE",
            Self::Vendors => "OS_CLIENT_VENDOR_FILE",
        }
    }

    /// The key that everything is below.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Clouds | Self::Secure => "clouds",
            Self::Vendors => "public-clouds",
        }
    }

    /// Where it may be, the first that exists counts.
    pub(super) fn places(self, folders: &[PathBuf]) -> Vec<PathBuf> {
        let files = |folder: &PathBuf| {
            ["yaml", "yml", "json"].map(|end| folder.join(format!("{}.{end}", self.name())))
        };
        folders.iter().flat_map(files).collect()
    }
}

/// The folders that files are looked for in. A file that is named brings its own folder along, so
/// that what lies beside it is found.
pub(super) fn folders(named: Option<&Path>, env: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let set = |name: &str| env(name).filter(|text| !text.is_empty());
    let path = |name: &str| set(name).map(PathBuf::from);
    let mut folders = Vec::new();
    folders.extend(named.and_then(Path::parent).map(Path::to_path_buf));
    folders.push(PathBuf::from("."));
    if cfg!(windows) {
        let of = |name| path(name).map(|folder| folder.join("OpenStack").join("openstack"));
        folders.extend([of("LOCALAPPDATA"), of("PROGRAMDATA")].into_iter().flatten());
    }
    // A snap has a home of its own; the user's files are in the real one.
    let home = path("SNAP_REAL_HOME").or_else(|| path("HOME"));
    folders.extend(path("XDG_CONFIG_HOME").map(|folder| folder.join("openstack")));
    if cfg!(target_os = "macos") {
        let support = Path::new("Library/Application Support/openstack");
        folders.extend(home.as_ref().map(|home| home.join(support)));
        folders.push(Path::new("/").join(support));
    }
    folders.extend(home.map(|home| home.join(".config").join("openstack")));
    // The XDG base directory specification: absolute paths between colons.
    let site = set("XDG_CONFIG_DIRS").unwrap_or_else(|| "/etc/xdg".to_owned());
    let site = site.split(':').filter(|folder| folder.starts_with('/'));
    folders.extend(site.map(|folder| Path::new(folder).join("openstack")));
    folders.push(PathBuf::from("/etc/openstack"));
    let mut seen = Vec::new();
    folders.retain(|folder| {
        let new = !seen.contains(folder);
        seen.push(folder.clone());
        new
    });
    folders
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::dialect::config::vars;

    fn shown(named: Option<&str>, set: &[(&str, &str)]) -> String {
        let folders = folders(named.map(Path::new), &vars(set));
        let folders: Vec<_> = folders.iter().map(|p| p.display().to_string()).collect();
        folders.join(" ")
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    #[test]
    fn folders_are_those_of_openstacksdk_in_its_order() {
        let site = "/etc/xdg/openstack /etc/openstack";
        let home = ("HOME", "/home/me");
        assert_eq!(shown(None, &[]), format!(". {site}"));
        assert_eq!(shown(None, &[home]), format!(". /home/me/.config/openstack {site}"));
        assert_eq!(
            shown(Some("/x/my.yaml"), &[home, ("XDG_CONFIG_HOME", "/xdg")]),
            format!("/x . /xdg/openstack /home/me/.config/openstack {site}")
        );
        assert_eq!(
            shown(None, &[home, ("XDG_CONFIG_HOME", "/home/me/.config"), ("XDG_CONFIG_DIRS", "")]),
            format!(". /home/me/.config/openstack {site}"),
            "none is looked through twice"
        );
        let dirs = ("XDG_CONFIG_DIRS", "/a:/b:relative::/etc");
        assert_eq!(shown(None, &[dirs]), ". /a/openstack /b/openstack /etc/openstack");
        assert_eq!(
            shown(None, &[("HOME", "/snap/home"), ("SNAP_REAL_HOME", "/home/me")]),
            format!(". /home/me/.config/openstack {site}")
        );
    }

    #[test]
    fn yaml_goes_before_json_and_a_nearer_folder_before_both() {
        let folders = ["a", "b"].map(PathBuf::from);
        for (kind, files) in [
            (Kind::Clouds, "a/clouds.yaml a/clouds.yml a/clouds.json b/clouds.yaml"),
            (Kind::Secure, "a/secure.yaml a/secure.yml a/secure.json b/secure.yaml"),
            (Kind::Vendors, "a/clouds-public.yaml a/clouds-public.yml a/clouds-public.json"),
        ] {
            let places = kind.places(&folders);
            let shown: Vec<_> =
                places.iter().map(|p| p.display().to_string().replace('\\', "/")).collect();
            assert!(shown.join(" ").starts_with(files), "{shown:?}");
        }
    }
}

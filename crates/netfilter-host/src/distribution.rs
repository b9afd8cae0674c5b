//! Which distribution this is, and which of its packages has the kernel's modules.

use std::fmt;

/// A distribution, as os-release(5) names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Distribution {
    /// `ID`: `debian`, `rhel`; empty when the file does not say.
    pub id: String,
    /// `ID_LIKE`: those that it resembles, the nearest first.
    pub like: Vec<String>,
    /// `VERSION_ID` up to the first dot; `None` where there is no such number.
    pub version: Option<u32>,
    /// `PRETTY_NAME`, or else `ID`.
    pub name: String,
}

/// Where a distribution has modules of its kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModulePackage {
    /// The package, with the kernel's release where its name has it:
    /// `kernel-modules-extra-6.12.0-55.el10.x86_64`.
    pub name: String,
    /// The command that installs it.
    pub install: String,
}

impl Distribution {
    /// Reads the content of `/etc/os-release`.
    ///
    /// ```
    /// use netfilter_host::distribution::Distribution;
    ///
    /// let red_hat = Distribution::parse("ID=\"rhel\"\nVERSION_ID=\"10.2\"\n");
    /// let package = red_hat.module_package("6.12.0-55.el10.x86_64").unwrap();
    /// assert_eq!(package.name, "kernel-modules-extra-6.12.0-55.el10.x86_64");
    /// ```
    pub fn parse(os_release: &str) -> Self {
        let value = |key: &str| {
            let mut lines = os_release.lines();
            let value = lines.find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='));
            let value = value.unwrap_or_default().trim();
            value.trim_matches(['"', '\'']).to_owned()
        };
        let id = value("ID");
        let version = value("VERSION_ID");
        let name = value("PRETTY_NAME");
        Self {
            like: value("ID_LIKE")
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            version: version.split('.').next().and_then(|text| text.parse().ok()),
            name: if name.is_empty() { id.clone() } else { name },
            id,
        }
    }

    /// The package that has the modules of netfilter for the kernel of this release, `uname -r`;
    /// `None` for a distribution that is not known here.
    pub fn module_package(&self, release: &str) -> Option<ModulePackage> {
        let ids = std::iter::once(&self.id).chain(&self.like);
        let (name, install) = ids
            .map(String::as_str)
            .find_map(|id| self.package_and_tool(id, release))?;
        let install = format!("{install} {name}");
        Some(ModulePackage { name, install })
    }

    /// Whether it is Red Hat's or built from it, in this version or a later one.
    pub fn is_red_hat_since(&self, version: u32) -> bool {
        let like = |id: &str| self.id == id || self.like.iter().any(|like| like == id);
        self.id != "fedora" && like("rhel") && self.version.is_some_and(|own| own >= version)
    }

    fn package_and_tool(&self, id: &str, release: &str) -> Option<(String, &'static str)> {
        Some(match id {
            // Since 10 netfilter's old modules are no longer in the packages that are installed
            // with the kernel.
            "rhel" if self.is_red_hat_since(10) => {
                (format!("kernel-modules-extra-{release}"), "dnf install")
            }
            "fedora" | "rhel" => (format!("kernel-modules-{release}"), "dnf install"),
            "ubuntu" => (format!("linux-modules-extra-{release}"), "apt-get install"),
            "debian" => (format!("linux-image-{release}"), "apt-get install"),
            "arch" => ("linux".to_owned(), "pacman -S"),
            "suse" | "opensuse" => ("kernel-default".to_owned(), "zypper install"),
            "alpine" => ("linux-lts".to_owned(), "apk add"),
            _ => return None,
        })
    }
}

/// Its name, for people.
impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() {
            f.write_str("this system")
        } else {
            f.write_str(&self.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_distribution_has_its_package() {
        for (text, package) in [
            (
                "ID=\"rhel\"\nVERSION_ID=\"10.2\"",
                Some("kernel-modules-extra-6.1"),
            ),
            (
                "ID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"10.0\"",
                Some("kernel-modules-extra-6.1"),
            ),
            (
                "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.5\"",
                Some("kernel-modules-6.1"),
            ),
            ("ID=fedora\nVERSION_ID=43", Some("kernel-modules-6.1")),
            ("ID=debian\nVERSION_ID=\"12\"", Some("linux-image-6.1")),
            ("ID=ubuntu\nID_LIKE=debian", Some("linux-modules-extra-6.1")),
            (
                "ID=linuxmint\nID_LIKE=\"ubuntu debian\"",
                Some("linux-modules-extra-6.1"),
            ),
            (
                "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"",
                Some("kernel-default"),
            ),
            ("ID=gentoo", None),
            ("", None),
        ] {
            let found = Distribution::parse(text).module_package("6.1");
            assert_eq!(found.map(|found| found.name).as_deref(), package, "{text}");
        }
        assert!(
            !Distribution::parse("ID=fedora\nID_LIKE=rhel\nVERSION_ID=43").is_red_hat_since(10)
        );
        assert_eq!(Distribution::parse("x").to_string(), "this system");
        let debian = Distribution::parse("PRETTY_NAME='Debian 12'\nID=debian");
        assert_eq!(debian.to_string(), "Debian 12");
    }
}

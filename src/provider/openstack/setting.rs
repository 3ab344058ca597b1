//! What can be set, and by which names.

use super::service::{Part, Service};

/// One thing that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Setting {
    AuthType,
    AuthUrl,
    CaCert,
    ClientCert,
    ClientKey,
    CredentialId,
    CredentialName,
    CredentialSecret,
    DefaultDomainId,
    DefaultDomainName,
    DomainId,
    DomainName,
    Insecure,
    Interface,
    Password,
    Profile,
    ProjectDomainId,
    ProjectDomainName,
    ProjectId,
    ProjectName,
    Region,
    SystemScope,
    Token,
    TrustId,
    Unscoped,
    UserDomainId,
    UserDomainName,
    UserId,
    Username,
    Verify,
    /// Something of one service only.
    Of(Service, Part),
}

impl Setting {
    const PLAIN: [Self; 30] = [
        Self::AuthType,
        Self::AuthUrl,
        Self::CaCert,
        Self::ClientCert,
        Self::ClientKey,
        Self::CredentialId,
        Self::CredentialName,
        Self::CredentialSecret,
        Self::DefaultDomainId,
        Self::DefaultDomainName,
        Self::DomainId,
        Self::DomainName,
        Self::Insecure,
        Self::Interface,
        Self::Password,
        Self::Profile,
        Self::ProjectDomainId,
        Self::ProjectDomainName,
        Self::ProjectId,
        Self::ProjectName,
        Self::Region,
        Self::SystemScope,
        Self::Token,
        Self::TrustId,
        Self::Unscoped,
        Self::UserDomainId,
        Self::UserDomainName,
        Self::UserId,
        Self::Username,
        Self::Verify,
    ];

    pub(super) fn all() -> impl Iterator<Item = Self> {
        let of = |service| Part::ALL.into_iter().map(move |part| Self::Of(service, part));
        Self::PLAIN.into_iter().chain(Service::ALL.into_iter().flat_map(of))
    }

    /// Its environment variables, the first that is set counts.
    pub(super) fn variables(self) -> Vec<String> {
        match self {
            Self::Of(service, part) => {
                let name = |key: String| format!("OS_{}", key.to_ascii_uppercase());
                part.keys(service).into_iter().map(name).collect()
            }
            _ => self.names().0.iter().map(|name| String::from(*name)).collect(),
        }
    }

    /// Its keys in clouds.yaml, below `auth` or beside it; the first that is there counts.
    pub(super) fn keys(self) -> Vec<String> {
        match self {
            Self::Of(service, part) => part.keys(service),
            _ => self.names().1.iter().map(|name| String::from(*name)).collect(),
        }
    }

    fn names(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::AuthType => (&["OS_AUTH_TYPE", "OS_AUTH_PLUGIN"], &["auth_type", "auth_plugin"]),
            Self::AuthUrl => (&["OS_AUTH_URL"], &["auth_url"]),
            Self::CaCert => (&["OS_CACERT"], &["cacert"]),
            Self::ClientCert => (&["OS_CERT"], &["cert"]),
            Self::ClientKey => (&["OS_KEY"], &["key"]),
            Self::CredentialId => {
                (&["OS_APPLICATION_CREDENTIAL_ID"], &["application_credential_id"])
            }
            Self::CredentialName => {
                (&["OS_APPLICATION_CREDENTIAL_NAME"], &["application_credential_name"])
            }
            Self::CredentialSecret => {
                (&["OS_APPLICATION_CREDENTIAL_SECRET"], &["application_credential_secret"])
            }
            // python-openstackclient's documentation: "Default domain ID".
            Self::DefaultDomainId => (
                &["OS_DEFAULT_DOMAIN_ID", "OS_DEFAULT_DOMAIN"],
                &["default_domain_id", "default_domain"],
            ),
            Self::DefaultDomainName => (&["OS_DEFAULT_DOMAIN_NAME"], &["default_domain_name"]),
            Self::DomainId => (&["OS_DOMAIN_ID"], &["domain_id"]),
            Self::DomainName => (&["OS_DOMAIN_NAME"], &["domain_name"]),
            Self::Insecure => (&["OS_INSECURE"], &["insecure"]),
            Self::Interface => {
                (&["OS_INTERFACE", "OS_ENDPOINT_TYPE"], &["interface", "endpoint_type"])
            }
            Self::Password => (&["OS_PASSWORD"], &["password"]),
            Self::Profile => (&[], &["profile", "cloud"]),
            Self::ProjectDomainId => (&["OS_PROJECT_DOMAIN_ID"], &["project_domain_id"]),
            Self::ProjectDomainName => (&["OS_PROJECT_DOMAIN_NAME"], &["project_domain_name"]),
            Self::ProjectId => (&["OS_PROJECT_ID", "OS_TENANT_ID"], &["project_id", "tenant_id"]),
            Self::ProjectName => {
                (&["OS_PROJECT_NAME", "OS_TENANT_NAME"], &["project_name", "tenant_name"])
            }
            Self::Region => (&["OS_REGION_NAME"], &["region_name"]),
            Self::SystemScope => (&["OS_SYSTEM_SCOPE"], &["system_scope"]),
            Self::Token => (&["OS_TOKEN", "OS_AUTH_TOKEN"], &["token", "auth_token"]),
            Self::TrustId => (&["OS_TRUST_ID"], &["trust_id"]),
            // Nobody gave it a name outside of code.
            Self::Unscoped => (&[], &[]),
            Self::UserDomainId => (&["OS_USER_DOMAIN_ID"], &["user_domain_id"]),
            Self::UserDomainName => (&["OS_USER_DOMAIN_NAME"], &["user_domain_name"]),
            Self::UserId => (&["OS_USER_ID"], &["user_id"]),
            Self::Username => (&["OS_USERNAME"], &["username", "user_name"]),
            Self::Verify => (&[], &["verify"]),
            Self::Of(..) => (&[], &[]),
        }
    }

    pub(super) fn is_secret(self) -> bool {
        matches!(self, Self::CredentialSecret | Self::Password | Self::Token)
    }

    /// Tells whether its place in clouds.yaml is below `auth`.
    pub(super) fn is_of_auth(self) -> bool {
        !matches!(
            self,
            Self::AuthType
                | Self::CaCert
                | Self::ClientCert
                | Self::ClientKey
                | Self::Insecure
                | Self::Interface
                | Self::Profile
                | Self::Region
                | Self::Verify
                | Self::Of(..)
        )
    }

    /// Tells whether it counts rather beside `auth` than below it, where it is in both. openstacksdk
    /// has it so for these.
    pub(super) fn is_rather_beside(self) -> bool {
        matches!(
            self,
            Self::DomainId
                | Self::DomainName
                | Self::ProjectDomainId
                | Self::ProjectDomainName
                | Self::ProjectId
                | Self::ProjectName
                | Self::Token
                | Self::UserDomainId
                | Self::UserDomainName
        )
    }
}

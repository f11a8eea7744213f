package jwt

import (
	"net/url"
	"path"
	"slices"
	"strings"
)

// The issuers of the world: at each of them strangers get tokens that are as good
// as those of one's own people, since everybody can have an account there, or since
// all tenants of a service share one name and callers choose the audience.
//
// Sources, which are worth another look from time to time:
//   - sigstore/fulcio, config/identity/config.yaml: who may sign there without keys;
//   - pypi/warehouse, warehouse/oidc: the trusted publishers of PyPI;
//   - AWS IAM, "Identity-provider controls for shared OIDC providers";
//   - CloudArq-net/issuers: a census of issuers, with who controls the audience;
//   - panva/wellknown, lookup.mjs: providers at which the public signs in;
//   - the host names of Entra ID and its sovereign clouds, as the MSAL libraries
//     have them for "instance discovery", and "National clouds" at Microsoft Learn;
//   - the documentation of the providers themselves.

// worldHosts are hosts all of whose issuers are the world's. GitHub Enterprise
// Server, a GitLab of one's own and the like are not: they are somebody's.
var worldHosts = []string{
	// For jobs of anybody's pipelines and programs.
	"agent.buildkite.com",
	"api.cursor.com",
	"api.gitpod.io",
	"api.pulumi.com",
	"api2.cursor.sh",
	"app.devin.ai",
	"app.terraform.io", "app.eu.terraform.io",
	"app.warp.dev",
	"codeberg.org",
	"cognito-identity.amazonaws.com",
	"confidentialcomputing.googleapis.com",
	"dev.gitlab.org",
	"federation.namespaceapis.com",
	"gitlab.archlinux.org",
	"gitlab.com",
	"identity.depot.dev",
	"issuer.chainops.dev",
	"issuer.enforce.dev",
	"login.app.env0.com",
	"oidc-configuration.audit-log.githubusercontent.com",
	"oidc.cirrus-ci.com",
	"oidc.codefresh.io",
	"oidc.deno.com",
	"oidc.modal.com",
	"ops.gitlab.net",
	"platform.activestate.com",
	"proidc.upbound.io",
	"sandboxes.cloud",
	"scalr.io",
	"studio.datachain.ai",
	"token.builds.bitrise.io",
	"tokens.cloud.shisho.dev",
	"vstoken.actions.githubusercontent.com",

	// Accounts of people.
	googleHost,
	"access.line.me",
	"appleid.apple.com",
	"accounts.spotify.com",
	"api.login.yahoo.com", "auth.login.yahoo.co.jp",
	"auth.atlassian.com",
	"auth.eclipse.org",
	"discord.com",
	"facebook.com", "graph.facebook.com", "www.facebook.com",
	"github.com",
	"huggingface.co",
	"id.twitch.tv",
	"identity.lego.com",
	"issuer.hello.coop",
	"kauth.kakao.com",
	"linkedin.com", "www.linkedin.com",
	"login.docker.com",
	"login.klarna.com",
	"login.live.com",
	"login.salesforce.com", "test.salesforce.com",
	"mojeid.cz",
	"oauth.battle.net",
	"oauth.telegram.org",
	"oauth2.sigstore.dev", "oauth2.sigstage.dev",
	"orcid.org",
	"sigstore.verify.ibm.com",
	"slack.com",
	"web.verimi.de",
	"www.amazon.com",
	"www.dropbox.com",
	"www.kaggle.com",
	"www.paypal.com",
}

// ownedPaths are hosts whose issuer is the world's unless a path below the given
// one makes it that of one organization.
var ownedPaths = map[string]string{
	"oidc.circleci.com":                   "/org/",
	"oidc.vercel.com":                     "/",
	"token.actions.githubusercontent.com": "/", // of an enterprise
}

// entraHosts are the hosts of Entra ID, and of its sovereign clouds. There the
// first step of the path is the tenant.
var entraHosts = []string{
	"login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net",
	"login.microsoftonline.us", "login.usgovcloudapi.net", "login-us.microsoftonline.com", "sts.usgovcloudapi.net", // United States
	"partner.microsoftonline.cn", "login.chinacloudapi.cn", "sts.chinacloudapi.cn", // China
	"login.microsoftonline.de", "login-us.microsoftonline.de", "sts.microsoftonline.de", // Germany, until 2021
	"login.sovcloud-identity.fr", "login.sovcloud-identity.de", "login.sovcloud-identity.sg", // Bleu, Delos, Singapore
	"login.microsoftonline.eaglex.ic.gov", "login.microsoftonline.microsoft.scloud", // United States, cut off
	"login.windows-ppe.net", "sts.windows-ppe.net", "login.microsoft-ppe.com",
}

// worldTenants are tenants of Entra ID whose tokens anybody gets: the names for
// many tenants at once, that of all personal accounts, and that of Microsoft's
// own services, which reach all its customers.
var worldTenants = []string{
	"common", "organizations", "consumers", personalTenant, "33e01921-4d64-4f8c-a055-5bdaffd5e33d",
}

const personalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"

const (
	googleHost   = "accounts.google.com"
	googleIssuer = "https://" + googleHost
)

// PublicIssuer reports whether strangers get tokens of an issuer. It errs on the
// side of public: scheme, case, user, port, and slashes and dots around the path
// make no difference.
func PublicIssuer(issuer string) bool {
	host, path := hostAndPath(issuer)
	if owned, ok := ownedPaths[host]; ok {
		owner, below := strings.CutPrefix(path, owned)
		return !below || owner == ""
	}
	if slices.ContainsFunc(entraHosts, func(h string) bool { return host == h || strings.HasSuffix(host, "."+h) }) {
		return worldTenant(path)
	}
	return slices.Contains(worldHosts, host)
}

// IsGoogle reports whether an issuer is that of Google's accounts.
func IsGoogle(issuer string) bool {
	host, _ := hostAndPath(issuer)
	return host == googleHost
}

// hostAndPath are the host of an issuer in lower case, "" if there is none, and
// its path without detours.
func hostAndPath(issuer string) (host, cleaned string) {
	if !strings.Contains(issuer, "://") {
		issuer = "https://" + issuer
	}
	u, err := url.Parse(issuer)
	if err != nil {
		return "", ""
	}
	return strings.TrimRight(strings.ToLower(u.Hostname()), "."), path.Clean("/" + u.Path)
}

// worldTenant reports whether the path of an issuer at Entra ID names no single
// tenant. The discovery documents of such issuers have {tenantid} there.
func worldTenant(path string) bool {
	tenant, _, _ := strings.Cut(strings.ToLower(strings.Trim(path, "/")), "/")
	return tenant == "" || tenant == "v2.0" || strings.Contains(tenant, "{") || slices.Contains(worldTenants, tenant)
}

// freeClaims are claims that strangers have or choose as they like, so that
// requiring them keeps nobody out.
var freeClaims = []string{
	// About the token itself.
	"iss", "aud", "azp", "exp", "nbf", "iat", "typ", "token_use", "email_verified",
	"acr", "amr", "at_hash", "auth_time", "c_hash", "client_id", "jti", "nonce", "phone_number_verified", "s_hash", "scope", "scp",
	"sid", "updated_at", "ver",
	// What people say of themselves.
	"birthdate", "family_name", "gender", "given_name", "locale", "middle_name", "name", "picture", "website", "zoneinfo",
	// About a job, in anybody's project.
	"app_name", "base_ref", "build_branch", "build_source", "build_tag", "deployment_tier", "environment", "environment_name",
	"environment_protected", "event_name", "function_name", "head_ref", "pipeline_slug", "pipeline_source", "project",
	"project_visibility", "ref", "ref_path", "ref_protected", "ref_type", "repository_visibility", "run_attempt", "run_number",
	"runner_environment", "scm_ref", "step_key", "terraform_project_name", "terraform_run_phase", "terraform_workspace_name",
	"workflow",
}

// Restricts reports whether requiring that value of a claim keeps out strangers
// with tokens of a public issuer.
func Restricts(claim, value string) bool {
	if claim == "tid" {
		return !slices.Contains(worldTenants, strings.ToLower(value))
	}
	return !slices.Contains(freeClaims, claim)
}

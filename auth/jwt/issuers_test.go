package jwt_test

import (
	"net/url"
	"strings"
	"testing"

	"gatehouse/auth/jwt"
)

// spellings are other ways to write an issuer, none of which may slip past.
func spellings(t *testing.T, issuer string) []string {
	t.Helper()
	u, err := url.Parse(issuer)
	if err != nil {
		t.Fatal(err)
	}
	path := strings.Trim(u.Path, "/")
	return []string{
		issuer,
		strings.TrimRight(issuer, "/"),
		strings.TrimRight(issuer, "/") + "/",
		strings.TrimRight(issuer, "/") + "//",
		strings.ToUpper(issuer),
		strings.Replace(issuer, "https://", "HTTPS://", 1),
		strings.Replace(issuer, "https://", "http://", 1),
		strings.Replace(issuer, "https://", "", 1),
		strings.Replace(issuer, "https://", "https://someone:secret@", 1),
		"https://" + u.Host + ":443/" + path,
		"https://" + u.Host + ":8443/" + path,
		"https://" + u.Host + ":/" + path,
		"https://" + u.Host + "./" + path,
		"https://" + u.Host + "//" + path,
		"https://" + u.Host + "/./" + path,
		"https://" + u.Host + "/x/../" + path,
		issuer + "?x=y",
		issuer + "#x",
	}
}

func TestIssuersOfTheWorldAreKnown(t *testing.T) {
	for _, issuer := range []string{
		"https://token.actions.githubusercontent.com", "https://vstoken.actions.githubusercontent.com",
		"https://oidc-configuration.audit-log.githubusercontent.com", "https://github.com/login/oauth",
		"https://gitlab.com", "https://codeberg.org", "https://agent.buildkite.com", "https://oidc.codefresh.io",
		"https://app.terraform.io", "https://app.eu.terraform.io", "https://scalr.io", "https://login.app.env0.com/",
		"https://api.pulumi.com/oidc", "https://api.pulumi.com/oidc/v2", "https://api.pulumi.com",
		"https://oidc.circleci.com", "https://oidc.circleci.com/org", "https://oidc.vercel.com",
		"https://token.builds.bitrise.io", "https://oidc.cirrus-ci.com", "https://identity.depot.dev", "https://oidc.modal.com",
		"https://oidc.deno.com", "https://api.gitpod.io/idp", "https://platform.activestate.com/api/v1/oauth/oidc",
		"https://proidc.upbound.io", "https://studio.datachain.ai/api", "https://tokens.cloud.shisho.dev", "https://sandboxes.cloud",
		"https://confidentialcomputing.googleapis.com", "https://cognito-identity.amazonaws.com",

		// Of Fulcio's configuration.
		"https://accounts.google.com", "https://auth.eclipse.org/auth/realms/foundation-service-accounts", "https://dev.gitlab.org",
		"https://gitlab.archlinux.org", "https://issuer.enforce.dev", "https://issuer.chainops.dev", "https://issuer.hello.coop",
		"https://www.kaggle.com/api/v1/models/signing", "https://oauth2.sigstore.dev/auth", "https://ops.gitlab.net",
		"https://sigstore.verify.ibm.com/oauth2",

		// Accounts of people.
		"https://appleid.apple.com", "https://www.facebook.com", "https://facebook.com",
		"https://slack.com", "https://www.linkedin.com/oauth", "https://www.linkedin.com", "https://api.login.yahoo.com",
		"https://auth.login.yahoo.co.jp/yconnect/v2", "https://id.twitch.tv/oauth2", "https://login.salesforce.com",
		"https://test.salesforce.com", "https://oauth.telegram.org", "https://discord.com", "https://www.paypal.com",
		"https://access.line.me", "https://kauth.kakao.com", "https://accounts.spotify.com", "https://login.docker.com/",
		"https://www.amazon.com", "https://login.live.com",

		"https://login.microsoftonline.com/common/v2.0", "https://login.microsoftonline.com/common",
		"https://login.microsoftonline.com/organizations/v2.0", "https://login.microsoftonline.com/consumers/v2.0",
		"https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
		"https://sts.windows.net/9188040d-6c67-4c5b-b112-36a304b66dad/", "https://sts.windows.net/common/",
		"https://sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d/",
		"https://login.microsoftonline.com", "https://login.microsoftonline.com/v2.0", "https://westus.login.microsoft.com/common/v2.0",
	} {
		for _, s := range spellings(t, issuer) {
			if !jwt.PublicIssuer(s) {
				t.Errorf("%q is not known as %s", s, issuer)
			}
		}
	}
	for _, s := range []string{
		"https://login.microsoftonline.com/%63ommon/v2.0", "https://login.microsoftonline.com/{tenantid}/v2.0",
		"https://login.microsoftonline.com/%7Btenantid%7D/v2.0", "https://sts.windows.net/{tenantid}/",
	} {
		if !jwt.PublicIssuer(s) {
			t.Errorf("%q is not known", s)
		}
	}
}

func TestEveryCloudOfEntraHasTenantsOfTheWorld(t *testing.T) {
	for _, host := range []string{
		"login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net",
		"login.microsoftonline.us", "login-us.microsoftonline.com", "login.usgovcloudapi.net",
		"login.partner.microsoftonline.cn", "partner.microsoftonline.cn", "login.chinacloudapi.cn", "sts.chinacloudapi.cn",
		"login.microsoftonline.de", "sts.microsoftonline.de",
		"login.sovcloud-identity.fr", "login.sovcloud-identity.de", "login.sovcloud-identity.sg",
	} {
		for _, tenant := range []string{"common", "organizations", "consumers", "Common", "9188040D-6C67-4C5B-B112-36A304B66DAD"} {
			for _, s := range spellings(t, "https://"+host+"/"+tenant+"/v2.0") {
				if !jwt.PublicIssuer(s) {
					t.Errorf("%q is not known", s)
				}
			}
		}
		for _, tenant := range []string{"11111111-2222-3333-4444-555555555555", "contoso.onmicrosoft.com", "commons", "72f988bf-86f1-41af-91ab-2d7cd011db47"} {
			if s := "https://" + host + "/" + tenant + "/v2.0"; jwt.PublicIssuer(s) {
				t.Errorf("%q is taken for one of the world", s)
			}
		}
	}
}

func TestOtherIssuersAreSomebodys(t *testing.T) {
	for _, issuer := range []string{
		// Of one organization at a service of many.
		"https://oidc.circleci.com/org/6f3c4c7c-3c3d-4b0e-9a3f-0d3c1f3c9c11", "https://oidc.vercel.com/acme",
		"https://token.actions.githubusercontent.com/acme", "https://token.actions.acme.ghe.com", "https://github.acme.example/_services/token",
		"https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc", "https://vstoken.dev.azure.com/6804a3a0-e94c-41ae-9343-c5676fd58375",
		"https://acme.app.spacelift.io", "https://acme.scalr.io", "https://acme.my.salesforce.com", "https://oidc.fly.io/acme",
		"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x", "https://oidc.eks.eu-west-1.amazonaws.com/id/X",
		"https://securetoken.google.com/acme", "https://container.googleapis.com/v1/projects/a/locations/b/clusters/c",
		"https://acme.b2clogin.com/11111111-2222-3333-4444-555555555555/v2.0", "https://acme.ciamlogin.com/x/v2.0",
		// Of one's own.
		"https://gitlab.example.com", "https://keycloak.test/realms/common", "https://t.auth0.com/", "https://dev-1.okta.com", "https://authentik.test/application/o/x/",
		// Similar to hosts of the world's issuers, but others.
		"https://gitlab.com.example.com", "https://notgitlab.com", "https://example.com/gitlab.com", "https://example.com/?gitlab.com",
		"https://gitlab.com@example.com", "https://example.com#gitlab.com", "https://notlogin.microsoftonline.com.test/common",
		"https://evil-login.microsoftonline.com.example/common/v2.0",
		"", "https://", "https://[", "%",
	} {
		if jwt.PublicIssuer(issuer) {
			t.Errorf("%q is taken for one of the world", issuer)
		}
	}
}

func TestGoogleIsKnown(t *testing.T) {
	for _, s := range spellings(t, "https://accounts.google.com") {
		if !jwt.IsGoogle(s) {
			t.Errorf("%q is not known", s)
		}
	}
	for _, s := range []string{"https://gitlab.com", "https://accounts.google.com.example", ""} {
		if jwt.IsGoogle(s) {
			t.Errorf("%q is taken for Google", s)
		}
	}
}

func TestOnlySomeClaimsKeepStrangersOut(t *testing.T) {
	for _, claim := range []string{
		"iss", "aud", "azp", "exp", "nbf", "iat", "typ", "token_use", "email_verified",
		"jti", "nonce", "scope", "name", "ref", "ref_protected", "environment", "event_name", "runner_environment", "repository_visibility",
	} {
		if jwt.Restricts(claim, "x") {
			t.Errorf("%s restricts", claim)
		}
	}
	for _, claim := range []string{
		"", "sub", "hd", "email", "groups", "roles", "repository", "repository_owner", "repository_owner_id", "namespace_path", "project_path", "project_id",
		"organization_slug", "organization_id", "terraform_organization_name", "account_id", "owner", "owner_id", "team_id", "workspace_id",
		"oidc.circleci.com/org-id", "oidc.circleci.com/project-id", "tid", "kubernetes.io.namespace", "https://slack.com/team_id",
	} {
		if !jwt.Restricts(claim, "x") {
			t.Errorf("%s does not restrict", claim)
		}
	}
	for _, tenant := range []string{"common", "9188040d-6c67-4c5b-b112-36a304b66dad", "9188040D-6C67-4C5B-B112-36A304B66DAD"} {
		if jwt.Restricts("tid", tenant) {
			t.Errorf("the tenant %s restricts", tenant)
		}
	}
}

func FuzzPublicIssuer(f *testing.F) {
	for _, s := range []string{
		"https://gitlab.com", "accounts.google.com", "https://sts.windows.net/common/", "https://[::1]:1/x", "%",
		"https://oidc.circleci.com/org/x", "https://oidc.vercel.com//", "https://login.microsoftonline.com/{tenantid}/v2.0",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, issuer string) {
		public := jwt.PublicIssuer(issuer)
		if public && !strings.Contains(issuer, ".") && !strings.Contains(issuer, "%") {
			t.Errorf("%q is taken for one of the world", issuer)
		}
		if !strings.ContainsAny(issuer, "?#") && jwt.PublicIssuer(issuer+"/") != public {
			t.Errorf("%q is %v, with a slash it is not", issuer, public)
		}
	})
}

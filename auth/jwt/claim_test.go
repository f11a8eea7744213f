package jwt_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"gatehouse/auth"
	"gatehouse/auth/jwt"
)

var signingTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func parseClaims(t *testing.T, raw string) jwt.Claims {
	t.Helper()
	c, err := jwt.ParseClaims([]byte(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return c
}

func TestClaimsAreOneJSONObject(t *testing.T) {
	for raw, want := range map[string]string{
		`{}`:                         `map[]`,
		" {\"a\" : 1 }\r\n":          `map[a:1]`,
		`{"a":{"b":[1,"x",null]}}`:   `map[a:map[b:[1 x <nil>]]]`,
		`{"a":12345678901234567890}`: `map[a:12345678901234567890]`,
		`{"a":{"b":1,"b":2}}`:        `map[a:map[b:2]]`,
		`{"a":1,"A":2}`:              `map[A:2 a:1]`,
	} {
		c, err := jwt.ParseClaims([]byte(raw))
		if err != nil || fmt.Sprint(c) != want {
			t.Errorf("%s: got %v, %v, want %s", raw, c, err, want)
		}
	}
	for _, raw := range []string{
		"", " ", "null", "true", "1", `"x"`, "[]", "[{}]", "{", "}", "{}}", "{}{}", "{} x", "{}[", "{},", `{}"`, "{}null",
		`{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{"a" 1}`, `{a:1}`, `{1:1}`, `{"a":01}`, `{"a":NaN}`, "\ufeff{}", "{\x00}",
		`{"a":1,"a":1}`, `{"a":1,"\u0061":2}`,
		`{"a":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}",
	} {
		if c, err := jwt.ParseClaims([]byte(raw)); err == nil {
			t.Errorf("%.40q is taken: %v", raw, c)
		}
	}
}

func TestErrorsAboutClaimsRepeatNothingOfThem(t *testing.T) {
	for _, raw := range []string{`{"hush":"hush",}`, `{"hush":1,"hush":2}`, `{"hush":"hush"} hush`, `"hush"`} {
		if _, err := jwt.ParseClaims([]byte(raw)); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestDecodersOfTokensDecodeClaimsAsWeDo(t *testing.T) {
	var c jwt.Claims
	if err := json.Unmarshal([]byte(`{"exp":1}`), &c); err != nil || c["exp"] != json.Number("1") {
		t.Errorf("%v, %v", c, err)
	}
	if err := json.Unmarshal([]byte(`{"exp":2,"exp":2}`), &c); err == nil || c["exp"] != json.Number("1") {
		t.Errorf("%v, %v", c, err)
	}
}

func TestOnlyTokensForUsPass(t *testing.T) {
	rules := jwt.ClaimRules{Issuer: "https://issuer.test/", Audiences: []string{"", "gatehouse", "other"}}
	google := jwt.ClaimRules{Issuer: "https://accounts.google.com", Audiences: []string{"gatehouse"}}
	lax := jwt.ClaimRules{Audiences: []string{"gatehouse"}}
	deaf := jwt.ClaimRules{Issuer: "https://issuer.test/"}
	moment := func(after time.Duration) string { return fmt.Sprint(signingTime.Add(after).Unix()) }
	const day = 24 * time.Hour
	hour := moment(time.Hour)
	for _, tt := range []struct {
		name   string
		rules  jwt.ClaimRules
		change map[string]string // of a token that passes; "" takes the claim away
		want   string            // the error; "" for none
	}{
		{"a good one", rules, nil, ""},

		{"another issuer", rules, map[string]string{"iss": `"https://other.test/"`}, "iss is not the issuer"},
		{"no slash", rules, map[string]string{"iss": `"https://issuer.test"`}, "iss is not the issuer"},
		{"another case", rules, map[string]string{"iss": `"https://Issuer.test/"`}, "iss is not the issuer"},
		{"no scheme", rules, map[string]string{"iss": `"issuer.test/"`}, "iss is not the issuer"},
		{"no issuer", rules, map[string]string{"iss": ""}, "iss is not the issuer"},
		{"a list of issuers", rules, map[string]string{"iss": `["https://issuer.test/"]`}, "iss is not the issuer"},
		{"Google", google, map[string]string{"iss": `"https://accounts.google.com"`}, ""},
		{"Google without scheme", google, map[string]string{"iss": `"accounts.google.com"`}, ""},
		{"Google with http", google, map[string]string{"iss": `"http://accounts.google.com"`}, "iss is not the issuer"},
		{"Google for others", rules, map[string]string{"iss": `"accounts.google.com"`}, "iss is not the issuer"},
		{"no issuer is set and none is named", lax, map[string]string{"iss": ""}, "iss is not the issuer"},
		{"no issuer is set and an empty one is named", lax, map[string]string{"iss": `""`}, "iss is not the issuer"},

		{"the second audience", rules, map[string]string{"aud": `"other"`}, ""},
		{"a list of audiences", rules, map[string]string{"aud": `["x","gatehouse"]`}, ""},
		{"a list with odd elements", rules, map[string]string{"aud": `[1,null,{},"gatehouse"]`}, ""},
		{"another audience", rules, map[string]string{"aud": `"account"`}, "aud names none of the audiences"},
		{"a list of others", rules, map[string]string{"aud": `["account","gatehouse2"]`}, "aud names none of the audiences"},
		{"a list within a list", rules, map[string]string{"aud": `[["gatehouse"]]`}, "aud names none of the audiences"},
		{"an empty list", rules, map[string]string{"aud": `[]`}, "aud names none of the audiences"},
		{"an empty audience", rules, map[string]string{"aud": `""`}, "aud names none of the audiences"},
		{"a list of an empty one", rules, map[string]string{"aud": `[""]`}, "aud names none of the audiences"},
		{"an object", rules, map[string]string{"aud": `{"gatehouse":true}`}, "aud names none of the audiences"},
		{"null", rules, map[string]string{"aud": `null`}, "aud names none of the audiences"},
		{"no audience", rules, map[string]string{"aud": ""}, "aud names none of the audiences"},
		{"an audience far down", rules, map[string]string{"aud": `[` + strings.Repeat(`"x",`, 10_000) + `"gatehouse"]`}, "aud names none of the audiences"},
		{"no audience is set", deaf, nil, "aud names none of the audiences"},
		{"no audience is set or named", deaf, map[string]string{"aud": ""}, "aud names none of the audiences"},

		{"in the leeway", rules, map[string]string{"exp": moment(-30 * time.Second)}, ""},
		{"past the leeway", rules, map[string]string{"exp": moment(-31 * time.Second)}, "exp has passed"},
		{"long past", rules, map[string]string{"exp": "1"}, "exp has passed"},
		{"a year ahead", rules, map[string]string{"exp": moment(366 * day)}, ""},
		{"a year ahead, in the leeway", rules, map[string]string{"exp": moment(366*day + 30*time.Second)}, ""},
		{"more than a year ahead", rules, map[string]string{"exp": moment(366*day + 31*time.Second)}, "exp is more than 366 days ahead"},
		{"in milliseconds", rules, map[string]string{"exp": hour + "000"}, "exp is more than 366 days ahead"},
		{"never", rules, map[string]string{"exp": "1e300"}, "exp is more than 366 days ahead"},
		{"a fraction", rules, map[string]string{"exp": hour + ".5"}, ""},
		{"an exponent", rules, map[string]string{"exp": "1.7723736e9"}, ""},
		{"zero", rules, map[string]string{"exp": "0"}, "exp is missing or no moment"},
		{"negative", rules, map[string]string{"exp": "-" + hour}, "exp is missing or no moment"},
		{"too large for a number", rules, map[string]string{"exp": "1e400"}, "exp is missing or no moment"},
		{"a string", rules, map[string]string{"exp": `"` + hour + `"`}, "exp is missing or no moment"},
		{"a list of moments", rules, map[string]string{"exp": `[` + hour + `]`}, "exp is missing or no moment"},
		{"no moment", rules, map[string]string{"exp": "null"}, "exp is missing or no moment"},
		{"no expiry", rules, map[string]string{"exp": ""}, "exp is missing or no moment"},

		{"valid since long", rules, map[string]string{"nbf": "0"}, ""},
		{"soon valid, in the leeway", rules, map[string]string{"nbf": moment(30 * time.Second)}, ""},
		{"not yet valid", rules, map[string]string{"nbf": moment(31 * time.Second)}, "nbf has not come yet"},
		{"valid from a string on", rules, map[string]string{"nbf": `"` + moment(-time.Hour) + `"`}, "nbf is no moment"},
		{"valid from null on", rules, map[string]string{"nbf": `null`}, "nbf is no moment"},
		{"issued in the future", rules, map[string]string{"iat": moment(365 * day)}, ""},
	} {
		claims := map[string]string{"iss": `"https://issuer.test/"`, "aud": `"gatehouse"`, "exp": hour}
		maps.Copy(claims, tt.change)
		object := map[string]json.RawMessage{}
		for name, value := range claims {
			if value != "" {
				object[name] = json.RawMessage(value)
			}
		}
		raw, _ := json.Marshal(object)
		if got := failure(tt.rules.Check(parseClaims(t, string(raw)), signingTime)); got != tt.want {
			t.Errorf("%s: %.200s: got %q, want %q", tt.name, raw, got, tt.want)
		}
	}
}

// failure is the text of an error, "" for none.
func failure(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestEachRequiredClaimHasToHold(t *testing.T) {
	for _, tt := range []struct {
		required []string
		claims   string
		missing  string // the claim that the error names; "" for no error
	}{
		{nil, ``, ""},
		{[]string{"hd=example.com"}, `"hd":"example.com"`, ""},
		{[]string{"hd=example.com"}, `"hd":"example.com.evil.test"`, "hd"},
		{[]string{"hd=example.com"}, `"hd":"Example.com"`, "hd"},
		{[]string{"hd=example.com"}, `"hd":""`, "hd"},
		{[]string{"hd=example.com"}, `"hd":null`, "hd"},
		{[]string{"hd=example.com"}, `"HD":"example.com"`, "hd"},
		{[]string{"hd=example.com"}, ``, "hd"},
		{[]string{"hd=example.com"}, `"hd":["x","example.com"]`, ""},
		{[]string{"hd=example.com"}, `"hd":["x","y"]`, "hd"},
		{[]string{"hd=example.com"}, `"hd":[["example.com"]]`, "hd"},
		{[]string{"hd=example.com"}, `"hd":{"example.com":"example.com"}`, "hd"},
		{[]string{"hd=example.com", "email_verified=true"}, `"hd":"example.com","email_verified":true`, ""},
		{[]string{"hd=example.com", "email_verified=true"}, `"hd":"example.com","email_verified":false`, "email_verified"},
		{[]string{"hd=example.com", "email_verified=true"}, `"email_verified":true`, "hd"},
		{[]string{"email_verified=true"}, `"email_verified":"true"`, ""},
		{[]string{"email_verified=false"}, ``, "email_verified"},
		{[]string{"project_id=42"}, `"project_id":42`, ""},
		{[]string{"project_id=42"}, `"project_id":"42"`, ""},
		{[]string{"project_id=42"}, `"project_id":42.0`, "project_id"},
		{[]string{"project_id=12345678901234567890"}, `"project_id":12345678901234567890`, ""},
		{[]string{"project_id=12345678901234567890"}, `"project_id":12345678901234567891`, "project_id"},
		{[]string{"realm.name=a"}, `"realm":{"name":"a"}`, ""},
		{[]string{"https://x.test/org=a"}, `"https://x.test/org":"a"`, ""},
		{[]string{"realm.name=a"}, `"realm.name":"b","realm":{"name":"a"}`, "realm.name"}, // the literal one counts
		{[]string{"kubernetes.io.namespace=ci"}, `"kubernetes.io":{"namespace":"ci"}`, ""},
		{[]string{"kubernetes.io.namespace=ci"}, `"kubernetes.io":{"namespace":"cd"}`, "kubernetes.io.namespace"},
		{[]string{"kubernetes.io.serviceaccount.name=ci"}, `"kubernetes.io":{"serviceaccount":{"name":"ci"}}`, ""},
		{[]string{"https://x.test/jwt/claims.org=a"}, `"https://x.test/jwt/claims":{"org":"a"}`, ""},
		{[]string{"oidc.circleci.com/project-id=7"}, `"oidc.circleci.com/project-id":"7"`, ""},
		{[]string{"email_verified=true"}, `"email_verified":"false"`, "email_verified"},
		{[]string{"email_verified=true"}, `"email_verified":1`, "email_verified"},
	} {
		required, err := jwt.ParseRequiredClaims(tt.required)
		if err != nil {
			t.Fatal(err)
		}
		rules := jwt.ClaimRules{Issuer: "i", Audiences: []string{"a"}, Required: required}
		raw := fmt.Sprintf(`{"iss":"i","aud":"a","exp":%d`, signingTime.Unix())
		if tt.claims != "" {
			raw += "," + tt.claims
		}
		want := ""
		if tt.missing != "" {
			want = fmt.Sprintf("a required claim is missing or has another value: %q", tt.missing)
		}
		if got := failure(rules.Check(parseClaims(t, raw+"}"), signingTime)); got != want {
			t.Errorf("%q of %s: got %q, want %q", tt.required, tt.claims, got, want)
		}
	}
}

func TestRolesComeFromTheClaim(t *testing.T) {
	mapped := map[string]auth.Role{"readers": auth.Reader, "/ci": auth.Pusher, "admins": auth.Admin, "banned": auth.NoRole, "true": auth.Admin, "7": auth.Admin, "": auth.Admin}
	many := strings.Repeat(`"x",`, 301)
	for _, tt := range []struct {
		name, claim, claims string
		want                auth.Role // of those without a mapped value: reader
	}{
		{"roles", "", `{"roles":["admins"]}`, auth.Admin},
		{"groups", "", `{"groups":["/ci"]}`, auth.Pusher},
		{"roles before groups", "", `{"roles":["readers"],"groups":["admins"]}`, auth.Reader},
		{"no roles before groups", "", `{"roles":[],"groups":["admins"]}`, auth.Reader},
		{"the highest counts", "", `{"roles":["readers","/ci"]}`, auth.Pusher},
		{"in any order", "", `{"roles":["/ci","readers","nobody"]}`, auth.Pusher},
		{"a role that is none", "", `{"roles":["banned"]}`, auth.NoRole},
		{"none is the lowest", "", `{"roles":["banned","readers"]}`, auth.Reader},
		{"the case matters", "", `{"roles":["Admins"]}`, auth.Reader},
		{"an unknown value", "", `{"roles":["nobody"]}`, auth.Reader},
		{"no claim", "", `{}`, auth.Reader},
		{"a string", "", `{"roles":"admins"}`, auth.Admin},
		{"a string is one value", "", `{"roles":"admins,readers"}`, auth.Reader},
		{"a number", "", `{"roles":7}`, auth.Reader},
		{"a boolean", "", `{"roles":true}`, auth.Reader},
		{"null", "", `{"roles":null}`, auth.Reader},
		{"an object", "", `{"roles":{"admins":"admins"}}`, auth.Reader},
		{"odd elements", "", `{"roles":[7,true,null,{"x":"admins"},["admins"]]}`, auth.Reader},
		{"301 groups", "", `{"groups":[` + many + `"admins"]}`, auth.Admin},
		{"more groups than are looked at", "", `{"groups":[` + strings.Repeat(`"x",`, 10_000) + `"admins"]}`, auth.Reader},
		{"groups that are elsewhere", "", `{"_claim_names":{"groups":"src1"},"_claim_sources":{"src1":{"endpoint":"https://graph.test/admins"}}}`, auth.Reader},
		{"groups that are elsewhere, by name", "groups", `{"_claim_names":{"groups":"admins"}}`, auth.Reader},
		{"a name", "team", `{"team":"admins"}`, auth.Admin},
		{"a name instead of the usual ones", "team", `{"roles":["admins"],"groups":["admins"]}`, auth.Reader},
		{"a path", "realm_access.roles", `{"realm_access":{"roles":["x","admins"]}}`, auth.Admin},
		{"a longer path", "a.b.c", `{"a":{"b":{"c":"admins"}}}`, auth.Admin},
		{"a path that ends early", "a.b.c", `{"a":{"b":"admins"}}`, auth.Reader},
		{"a path through a list", "a.b", `{"a":[{"b":"admins"}]}`, auth.Reader},
		{"a path to an object", "a.b", `{"a":{"b":{"c":"admins"}}}`, auth.Reader},
		{"a path in another case", "realm_access.roles", `{"Realm_Access":{"roles":["admins"]}}`, auth.Reader},
		{"a URL", "https://x.test/roles", `{"https://x.test/roles":["admins"]}`, auth.Admin},
		{"a URL with a path behind it", "https://hasura.io/jwt/claims.x-roles", `{"https://hasura.io/jwt/claims":{"x-roles":["admins"]}}`, auth.Admin},
		{"a client whose name has a dot", "resource_access.my.client.roles", `{"resource_access":{"my.client":{"roles":["admins"]}}}`, auth.Admin},
		{"one beside a client with the beginning of its name", "a.my.client.roles", `{"a":{"my":{"client":{"roles":"readers"}},"my.client":{"roles":"admins"}}}`, auth.Admin},
		{"a name with dots at each step", "a.b.c.d.e", `{"a.b":{"c.d":{"e":"admins"}}}`, auth.Admin},
		{"a longer name wins although it leads nowhere", "a.b.c", `{"a.b":"x","a":{"b":{"c":"admins"}}}`, auth.Reader},
		{"and although it is of an object without the rest", "a.b.c", `{"a.b":{"d":"x"},"a":{"b":{"c":"admins"}}}`, auth.Reader},
		{"a path that goes on below a string", "a.b.c.d", `{"a.b":"admins"}`, auth.Reader},
		{"a dot at the end", "a.", `{"a":"admins"}`, auth.Reader},
		{"a name that ends in a dot", "a.", `{"a.":"admins","a":{"":"readers"}}`, auth.Admin},
		{"two dots", "a..b", `{"a":{"":{"b":"admins"}}}`, auth.Admin},
		{"nothing but dots", "..", `{"a":"admins"}`, auth.Reader},
		{"a literal name before a path", "a.b", `{"a.b":["readers"],"a":{"b":["admins"]}}`, auth.Reader},
	} {
		rules := jwt.ClaimRules{RoleClaim: tt.claim, RoleMap: mapped, DefaultRole: auth.Reader}
		if got := rules.Role(parseClaims(t, tt.claims)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
		rules = jwt.ClaimRules{RoleClaim: tt.claim, DefaultRole: auth.Admin}
		if got := rules.Role(parseClaims(t, tt.claims)); got != auth.Admin {
			t.Errorf("%s: without a map: got %s, want admin", tt.name, got)
		}
	}
}

func TestNamesAreForPeople(t *testing.T) {
	long := strings.Repeat("x", 255)
	for _, tt := range []struct{ name, claims, want string }{
		{"the preferred one", `{"preferred_username":"alice","email":"a@x.test","email_verified":true,"sub":"1"}`, "alice"},
		{"a verified address", `{"email":"a@x.test","email_verified":true,"sub":"1"}`, "a@x.test"},
		{"an address that is not verified", `{"email":"a@x.test","email_verified":false,"sub":"1"}`, "1"},
		{"an address of which nothing is said", `{"email":"a@x.test","sub":"1"}`, "1"},
		{"an address that is verified in a string", `{"email":"a@x.test","email_verified":"true","sub":"1"}`, "a@x.test"},
		{"one that is not, in a string", `{"email":"a@x.test","email_verified":"false","sub":"1"}`, "1"},
		{"one that is verified in other words", `{"email":"a@x.test","email_verified":"yes","sub":"1"}`, "1"},
		{"in a number", `{"email":"a@x.test","email_verified":1,"sub":"1"}`, "1"},
		{"in a list", `{"email":"a@x.test","email_verified":["true"],"sub":"1"}`, "1"},
		{"an address alone", `{"email":"a@x.test"}`, ""},
		{"an empty one", `{"preferred_username":"","sub":"1"}`, "1"},
		{"one of nothing but blanks", `{"preferred_username":" \u0000\n\u200b ","sub":"1"}`, "1"},
		{"none", `{}`, ""},
		{"no strings", `{"preferred_username":["x"],"email":{},"email_verified":true,"sub":1}`, ""},
		{"lines and escapes", `{"sub":"a\nlevel=ERROR\u001b[31m\r\u0085\u2028b"}`, "alevel=ERROR[31mb"},
		{"another direction", `{"sub":"a\u202etxt.exe\u2066"}`, "atxt.exe"},
		{"other scripts", `{"sub":"Žofie 山田 é👩"}`, "Žofie 山田 é👩"},
		{"hypertext stays for others to escape", `{"sub":"<b>&"}`, "<b>&"},
		{"half a character", `{"sub":"a\ud800b"}`, "a\ufffdb"},
		{"256 bytes", `{"sub":"` + long + `x"}`, long + "x"},
		{"257 bytes", `{"sub":"` + long + `xy"}`, long + "x"},
		{"a character across the limit", `{"sub":"` + long + `é"}`, long},
		{"a longer one across the limit", `{"sub":"` + long[2:] + `👩"}`, long[2:]},
	} {
		if got := (jwt.ClaimRules{}).Name(parseClaims(t, tt.claims)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestRoleMapsAreParsed(t *testing.T) {
	got, err := jwt.ParseRoleMap([]string{"ops=admin", "cn=ci,dc=x=pusher", "all=reader", "out=none", "ops=admin", "a b=reader", "==reader"})
	want := map[string]auth.Role{"ops": auth.Admin, "cn=ci,dc=x": auth.Pusher, "all": auth.Reader, "out": auth.NoRole, "a b": auth.Reader, "=": auth.Reader}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if got, err := jwt.ParseRoleMap(nil); err != nil || len(got) != 0 {
		t.Errorf("nothing: %v, %v", got, err)
	}
	for _, tt := range []struct {
		list []string
		want string
	}{
		{[]string{""}, `expected value=role, not ""`},
		{[]string{"ops"}, `expected value=role, not "ops"`},
		{[]string{"=admin"}, `expected value=role, not "=admin"`},
		{[]string{"a=reader", "ops="}, `the role of "ops": expected one of none, reader, pusher, admin, not ""`},
		{[]string{"ops=Admin"}, `the role of "ops": expected one of none, reader, pusher, admin, not "Admin"`},
		{[]string{"ops=scraper"}, `the role of "ops": expected one of none, reader, pusher, admin, not "scraper"`},
		{[]string{"ops=admin", "ops=reader"}, `"ops" is given two roles, admin and reader`},
	} {
		if got, err := jwt.ParseRoleMap(tt.list); failure(err) != tt.want {
			t.Errorf("%q: got %v, %v, want %s", tt.list, got, err, tt.want)
		}
	}
}

func TestRequiredClaimsAreParsed(t *testing.T) {
	got, err := jwt.ParseRequiredClaims([]string{"hd=example.com", "sub=repo:a/b:ref=x", "hd=example.com"})
	want := map[string]string{"hd": "example.com", "sub": "repo:a/b:ref=x"}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, tt := range []struct {
		list []string
		want string
	}{
		{[]string{""}, `expected claim=value, not ""`},
		{[]string{"hd"}, `expected claim=value, not "hd"`},
		{[]string{"a=b", "hd="}, `expected claim=value, not "hd="`},
		{[]string{"=x"}, `expected claim=value, not "=x"`},
		{[]string{"hd=a", "hd=b"}, `the claim "hd" is required to be both "a" and "b"`},
	} {
		if got, err := jwt.ParseRequiredClaims(tt.list); failure(err) != tt.want {
			t.Errorf("%q: got %v, %v, want %s", tt.list, got, err, tt.want)
		}
	}
}

func FuzzClaims(f *testing.F) {
	for _, raw := range []string{
		`{"iss":"i","aud":["a"],"exp":1772366400,"nbf":1,"hd":"x","realm":{"roles":["admins",1]},"sub":"s"}`,
		`{"iss":"i","aud":"a","exp":1e9,"hd":["x"],"preferred_username":"\u202e\u0000x"}`,
		`{"email":"a@x","email_verified":true}`, `{"a":1,"a":2}`, `{"a":[[[]]]}`, `{} x`, `{"exp":1e999}`, `{"a":1,}`, `null`,
	} {
		f.Add([]byte(raw))
	}
	rules := jwt.ClaimRules{
		Issuer: "i", Audiences: []string{"a"}, Required: map[string]string{"hd": "x"},
		RoleClaim: "realm.roles", RoleMap: map[string]auth.Role{"admins": auth.Admin},
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := jwt.ParseClaims(raw)
		var object map[string]json.RawMessage
		if err == nil && (json.Unmarshal(raw, &object) != nil || len(object) != len(c)) {
			t.Fatalf("%q is no object, but is taken", raw)
		}
		if rules.Check(c, signingTime) == nil && (c["iss"] != "i" || c["exp"] == nil || c["aud"] == nil || c["hd"] == nil) {
			t.Fatalf("%q passes", raw)
		}
		if role := rules.Role(c); role != auth.NoRole && (role != auth.Admin || len(c) == 0) {
			t.Fatalf("%q gives %s", raw, role)
		}
		name := rules.Name(c)
		if len(name) > 256 || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
			t.Fatalf("%q gives %q", raw, name)
		}
	})
}

func FuzzClaimPaths(f *testing.F) {
	for _, path := range []string{"a", "a.b", "a.b.c", "https://x.test/a.b", "resource_access.my.client.roles", "", ".", "a..b."} {
		f.Add(path, `{"a":{"b":{"c":"x"}},"a.b":{"c":"y"},"":{"":"z"}}`)
	}
	f.Fuzz(func(t *testing.T, path, raw string) {
		c, err := jwt.ParseClaims([]byte(raw))
		if err != nil || path == "" {
			return
		}
		decides := jwt.ClaimRules{RoleClaim: path}.Decides(c)
		if _, literal := c[path]; literal && !decides || decides && len(c) == 0 {
			t.Errorf("%q in %q: %v", path, raw, decides)
		}
		// Below what can't be found there is nothing to be found.
		if below := (jwt.ClaimRules{RoleClaim: path + ".\x00"}); !decides && below.Decides(c) && !strings.Contains(raw, `\u0000`) {
			t.Errorf("%q is found below %q in %q", below.RoleClaim, path, raw)
		}
	})
}

func FuzzAssignments(f *testing.F) {
	for _, entry := range []string{"ops=admin", "cn=a,dc=b=reader", "=", "hd=example.com", "x"} {
		f.Add(entry)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		roles, err := jwt.ParseRoleMap([]string{entry})
		for value, role := range roles {
			if err != nil || value == "" || value+"="+role.String() != entry {
				t.Errorf("%q maps %q to %s, %v", entry, value, role, err)
			}
		}
		required, err := jwt.ParseRequiredClaims([]string{entry})
		for claim, value := range required {
			if err != nil || claim == "" || value == "" || claim+"="+value != entry {
				t.Errorf("%q requires %q to be %q, %v", entry, claim, value, err)
			}
		}
	})
}

func TestAClaimDecidesAboutTheRoleIfItIsThere(t *testing.T) {
	elsewhere := map[string]any{"groups": "src1", "team": "src1"}
	for _, c := range []struct {
		claim             string
		claims            jwt.Claims
		decides, referred bool
	}{
		{"", jwt.Claims{"roles": []any{}}, true, false},
		{"", jwt.Claims{"groups": nil}, true, false},
		{"", jwt.Claims{"group": "x"}, false, false},
		{"a.b", jwt.Claims{"a": map[string]any{"b": ""}}, true, false},
		{"a.b", jwt.Claims{"a": map[string]any{"c": ""}}, false, false},
		{"groups", jwt.Claims{"roles": "x"}, false, false},
		{"", jwt.Claims{"_claim_names": elsewhere}, false, true},
		{"team", jwt.Claims{"_claim_names": elsewhere}, false, true},
		{"roles", jwt.Claims{"_claim_names": elsewhere}, false, false},
		{"", jwt.Claims{"_claim_names": elsewhere, "roles": "x"}, true, false},
		{"", jwt.Claims{"_claim_names": "groups"}, false, false},
	} {
		r := jwt.ClaimRules{RoleClaim: c.claim}
		if d, e := r.Decides(c.claims), r.Refers(c.claims); d != c.decides || e != c.referred {
			t.Errorf("%q in %v: got %v, %v", c.claim, c.claims, d, e)
		}
	}
}

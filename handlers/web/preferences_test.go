package web

import (
	"strings"
	"testing"

	"gatehouse/views/ui"
)

// unusual are settings of which nothing is as usual.
var unusual = ui.Settings{Theme: "dark", Time: "local", Compact: true, Rows: 50, Still: true, Keyless: true, Language: "powershell"}

func TestSettingsGoIntoTheCookieAndBack(t *testing.T) {
	for _, s := range []ui.Settings{{}, unusual, {Rows: 200}, {Time: "utc"}, {Theme: "light"}, {Language: "go"}} {
		value := EncodeSettings(s)
		if got := decodeSettings(value); got != s {
			t.Errorf("%+v becomes %q and then %+v", s, value, got)
		}
	}
	if value := EncodeSettings(ui.Settings{}); value != "" {
		t.Errorf("what is usual is %q", value)
	}
	if value := EncodeSettings(unusual); value != "density%3Dcompact%26keys%3Doff%26language%3Dpowershell%26live%3Doff%26rows%3D50%26theme%3Ddark%26time%3Dlocal" {
		t.Errorf("what is unusual is %q", value)
	}
}

func TestOfACookieOnlyWhatMakesSenseCounts(t *testing.T) {
	for cookie, want := range map[string]ui.Settings{
		"theme%3Ddark":                          {Theme: "dark"},
		"theme=dark":                            {Theme: "dark"},
		"theme%3Dpink":                          {},
		"theme%253Ddark":                        {},
		"%zz":                                   {},
		"theme%3Ddark%25z":                      {},
		"rows%3D100":                            {},
		"rows%3D1000000":                        {},
		"rows%3D-50":                            {},
		"rows%3D50%26rows%3D200":                {Rows: 50},
		"language%3Dcurl":                       {},
		"language%3D%3Cscript%3E":               {},
		"time%3Dutc%26live%3Don":                {Time: "utc"},
		strings.Repeat("theme%3Ddark%26", 1000): {},
		"theme%3Ddark%26x%3D%00%ff%e2%80%ae":    {Theme: "dark"},
		"theme%3Dlight%26density%3DCOMPACT%26keys%3D": {Theme: "light"},
	} {
		if got := decodeSettings(cookie); got != want {
			t.Errorf("%.60q: %+v, want %+v", cookie, got, want)
		}
	}
}

func FuzzSettingsTakeAnyCookie(f *testing.F) {
	for _, seed := range []string{"", "theme%3Ddark", EncodeSettings(unusual), "%", "a;b", "rows%3D999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cookie string) {
		s := decodeSettings(cookie)
		value := EncodeSettings(s)
		if again := decodeSettings(value); again != s {
			t.Errorf("%q: %+v becomes %+v", cookie, s, again)
		}
		if len(value) > 200 || strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789%") != "" {
			t.Errorf("%q becomes %q", cookie, value)
		}
	})
}

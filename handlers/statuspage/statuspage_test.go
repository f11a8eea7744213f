package statuspage

import (
	"strings"
	"testing"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/auth/guard"
	"gatehouse/handlers/web"
)

func TestTheStatusPageWarnsOfAnOpenServer(t *testing.T) {
	for want, configure := range map[string]func(*guard.Config){
		"No authentication is configured: everyone":                    func(*guard.Config) {},
		"No authentication is configured but the scrape key: everyone": func(c *guard.Config) { c.ScrapeKey = credential.NewSecret("a scrape key") },
		"the localhost bypass is off":                                  func(c *guard.Config) { c.CertificateRole, c.Bypass = auth.Reader, guard.BypassOff },
	} {
		var c guard.Config
		configure(&c)
		g, err := guard.New(c)
		if err != nil {
			t.Fatal(err)
		}
		if list, bypass, warnings := (&Handler{web: &web.Site{Guard: g}}).methods(); !strings.Contains(strings.Join(append(warnings, bypass), " "), want) {
			t.Errorf("%v %s %q, want %q", list, bypass, warnings, want)
		}
	}
}

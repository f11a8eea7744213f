package gateway_test

import (
	"testing"

	"gatehouse/handlers/handlertest"
)

func TestAPartOfAScrapeIsNoScrape(t *testing.T) {
	for name, test := range map[string]handlertest.Answer{
		"a series twice":                      {Body: "a{b=\"1\"} 1\na{b=\"1\"} 2\n", Header: header("Content-Type", "text/plain")},
		"the same series with an empty label": {Body: "a 1\na{b=\"\"} 2\n", Header: header("Content-Type", "text/plain")},
		"a family twice":                      {Body: "# TYPE a gauge\na 1\n# TYPE a gauge\n", Header: header("Content-Type", "text/plain")},
		"no end":                              {Body: "a 1\n", Header: header("Content-Type", "application/openmetrics-text; version=1.0.0")},
	} {
		if _, err := handlertest.ParseScrape(test); err == nil {
			t.Errorf("%s passes for a sound exposition", name)
		}
	}
}

func header(pairs ...string) map[string][]string {
	h := map[string][]string{}
	for i := 0; i < len(pairs); i += 2 {
		h[pairs[i]] = append(h[pairs[i]], pairs[i+1])
	}
	return h
}

package access

import "testing"

func TestProgramsAreCalledAsPeopleCallThem(t *testing.T) {
	const moz = "Mozilla/5.0 "
	for userAgent, want := range map[string]string{
		moz + "(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36":                      "Chrome on Windows",
		moz + "(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0":        "Edge on Windows",
		moz + "(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15":                "Safari on macOS",
		moz + "(X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0":                                                               "Firefox on Linux",
		moz + "(Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36":                "Chrome on Android",
		moz + "(Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36":     "Samsung Internet on Android",
		moz + "(iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0 Mobile/15E148 Safari/604": "Chrome on iPhone",
		moz + "(X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36":                       "Chrome on ChromeOS",
		"curl/8.11.0":     "curl",
		"":                "unknown client",
		"<script> Linux ": "unknown client on Linux",
	} {
		if got := browserOf(userAgent); got != want {
			t.Errorf("%s: %q, want %q", userAgent, got, want)
		}
	}
}

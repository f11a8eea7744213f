package push

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"

	"gatehouse/app/e2e/harness"
)

func TestPushClientsSignIn(t *testing.T) {
	s := harness.StartClosed(t)
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "backup_bytes"})
	pusher := func() *push.Pusher { return push.New(s.URL, "go").Collector(gauge) }
	if err := pusher().Push(); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("without a credential: %v", err)
	}
	harness.Must(t, pusher().BasicAuth(s.User, s.Password).Push())
	harness.Must(t, pusher().Header(http.Header{"Authorization": {"Bearer " + s.Token}}).Add())
	harness.Must(t, pusher().Header(http.Header{"X-Api-Key": {s.Token}}).Delete())
	for name, client := range map[string]func(*testing.T) driven{"python": pythonClient, "node": nodeClient} {
		t.Run(name, func(t *testing.T) {
			d := client(t)
			if out, err := d.try(t, s.Server, "push", name, nil, 7); err == nil || !strings.Contains(out, "401") {
				t.Errorf("without a credential: %v %s", err, out)
			}
			d.env = []string{"PUSH_USER=" + s.User, "PUSH_PASSWORD=" + s.Password}
			d.run(t, s.Server, "push", name, map[string]string{"instance": "basic"}, 7)
			d.env = []string{"PUSH_TOKEN=" + s.Token}
			d.run(t, s.Server, "add", name, map[string]string{"instance": "token"}, 7)
			d.run(t, s.Server, "delete", name, map[string]string{"instance": "basic"}, 7)
			s.Want(200, "GET", "/metrics/job/"+name+"/instance/token", "", "X-Metrics-Key", s.Key)
			s.Want(404, "GET", "/metrics/job/"+name+"/instance/basic", "", "X-Metrics-Key", s.Key)
			d.env = []string{"PUSH_USER=" + s.User, "PUSH_PASSWORD=wrong"}
			if out, err := d.try(t, s.Server, "push", name, nil, 7); err == nil || !strings.Contains(out, "401") {
				t.Errorf("with a wrong password: %v %s", err, out)
			}
		})
	}
}

package handlers

import (
	"encoding/json"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/common/model"

	"gatehouse/store"
	"gatehouse/store/exposition"
)

// targetJSON is one element of Prometheus' HTTP service discovery.
type targetJSON struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// targets serves every grouping as a target of its own, for http_sd_configs.
func (h *api) targets(c *fiber.Ctx) error {
	selectors, err := store.ParseSelectors(queries(c, "match[]"))
	if err != nil {
		return err
	}
	limit, err := h.limit(c)
	if err != nil {
		return err
	}
	scheme, host := h.address(c)
	list := []targetJSON{}
	for g := range groupsWithin(h.Store.Picture(), selectors, limit) {
		list = append(list, targetJSON{[]string{host}, h.targetLabels(g, scheme)})
	}
	body, err := json.Marshal(list)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderVary, fiber.HeaderHost)
	if h.etags.fresh(c, strconv.FormatUint(xxhash.Sum64(body), 16)) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(body)
}

func (h *api) targetLabels(g *store.Group, scheme string) map[string]string {
	labels := map[string]string{
		model.MetricsPathLabel:                         h.PublicPrefix + g.Key.Path(),
		model.SchemeLabel:                              scheme,
		"__meta_gatehouse_last_push_timestamp_seconds": strconv.FormatFloat(float64(g.Pushed.UnixMilli())/1e3, 'f', -1, 64),
		"__meta_gatehouse_last_push_success":           strconv.FormatBool(g.LastPushSuccessful()),
		"__meta_gatehouse_families":                    strconv.Itoa(g.FamilyCount()),
		"__meta_gatehouse_series":                      strconv.Itoa(g.Series),
	}
	for _, l := range g.Key.Labels() {
		// One name that it does not know makes Prometheus 2 refuse the list.
		labels[exposition.EscapedLabelName(l.Name)] = l.Value
	}
	return labels
}

// reached is where clients reach this server, as they write it: what the operator
// says, else what the request says.
func (h *api) reached(c *fiber.Ctx) *url.URL {
	if h.ExternalURL != nil {
		return &url.URL{Scheme: h.ExternalURL.Scheme, Host: h.ExternalURL.Host}
	}
	return &url.URL{Scheme: h.Guard.SchemeOfURL(c), Host: string(c.Request().Host())}
}

// address is reached with the port that goes without saying.
func (h *api) address(c *fiber.Ctx) (scheme, host string) {
	u := h.reached(c)
	host = u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(strings.Trim(u.Hostname(), "[]"), defaultPort(u.Scheme))
	}
	return u.Scheme, host
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

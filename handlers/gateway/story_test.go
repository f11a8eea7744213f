package gateway_test

import (
	"strings"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"gatehouse/handlers/handlertest"
)

// pushed is one push of a story, and the status that it must get; 0: 200 or
// 400, whichever.
type pushed struct {
	method, target, body string
	status               int
	protobuf             bool
}

func text(target, body string, status int) pushed { return pushed{"PUT", target, body, status, false} }

func merged(target, body string, status int) pushed {
	return pushed{"POST", target, body, status, false}
}

func families(target string, status int, families ...*dto.MetricFamily) pushed {
	return pushed{"PUT", target, handlertest.Delimited(families...), status, true}
}

func send(s *handlertest.Server, p pushed) handlertest.Answer {
	s.T.Helper()
	var headers []string
	if p.protobuf {
		headers = []string{"Content-Type", handlertest.ProtobufType}
	}
	return s.Do(p.method, s.Prefix+p.target, p.body, headers...)
}

func family(name string, typ dto.MetricType, metrics ...*dto.Metric) *dto.MetricFamily {
	return &dto.MetricFamily{Name: proto.String(name), Type: typ.Enum(), Metric: metrics}
}

func helped(help string, f *dto.MetricFamily) *dto.MetricFamily {
	f.Help = proto.String(help)
	return f
}

func gauge(v float64, labels ...string) *dto.Metric {
	return labelled(&dto.Metric{Gauge: &dto.Gauge{Value: proto.Float64(v)}}, labels...)
}

func labelled(m *dto.Metric, labels ...string) *dto.Metric {
	for i := 0; i < len(labels); i += 2 {
		m.Label = append(m.Label, &dto.LabelPair{Name: proto.String(labels[i]), Value: proto.String(labels[i+1])})
	}
	return m
}

func histogram(h *dto.Histogram) *dto.Metric { return &dto.Metric{Histogram: h} }

// invalid makes a family with text that is not UTF-8, which the encoder would
// refuse.
func invalid(f *dto.MetricFamily) string {
	return strings.ReplaceAll(handlertest.Delimited(f), "INVALID", "INV\xff\xfeID")
}

func nestedGroups(n int) string {
	var b []byte
	for range n {
		b = protowire.AppendTag(b, 15, protowire.StartGroupType)
	}
	return string(protowire.AppendVarint(nil, uint64(len(b)))) + string(b)
}

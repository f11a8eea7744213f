package main

import (
	"bytes"
	"errors"
	"io"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func TestATextPayloadHasTheSamplesAskedFor(t *testing.T) {
	for _, samples := range []int{1, 3, 19, 20, 50, 51, 200, 1000} {
		body := textPayload(samples, 7)
		p := expfmt.NewTextParser(model.LegacyValidation)
		families, err := p.TextToMetricFamilies(bytes.NewReader(body))
		if err != nil {
			t.Fatalf("%d samples: %v", samples, err)
		}
		lines := 0
		for line := range bytes.Lines(body) {
			if line[0] != '#' {
				lines++
			}
		}
		if lines != samples {
			t.Errorf("want %d samples, got %d", samples, lines)
		}
		if samples == 50 && (len(families) != 20 || len(body) < 4500 || len(body) > 6500) {
			t.Errorf("50 samples: %d families, %d bytes, want 20 and about 5 KB", len(families), len(body))
		}
	}
}

func TestPayloadsDifferInValuesAndKeepTheirSizeInProtobuf(t *testing.T) {
	texts, _, err := payloads("text", 50, 3)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(texts[0], texts[1]) {
		t.Error("two variants are the same")
	}
	bodies, contentType, err := payloads("protobuf", 50, 3)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != protobufContentType || len(bodies) != 3 {
		t.Fatalf("%d bodies of %q", len(bodies), contentType)
	}
	families := 0
	dec := expfmt.NewDecoder(bytes.NewReader(bodies[2]), expfmt.NewFormat(expfmt.TypeProtoDelim))
	for {
		var mf dto.MetricFamily
		if err := dec.Decode(&mf); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		families++
	}
	if families != 20 {
		t.Errorf("want 20 families, got %d", families)
	}
}

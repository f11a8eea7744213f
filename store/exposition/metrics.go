package exposition

import (
	"bytes"
	"fmt"
	"strconv"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Metrics returns the regular metrics of a chunk of the family of that name and type
// as Prometheus' client model has them, in the order of the chunk; see
// Chunk.LooseLines for the rest. They share nothing with the chunk.
func Metrics(name string, typ Type, c Chunk) ([]*dto.Metric, error) {
	w := encodeMetricWriter{name: name, typ: typ}
	if err := w.chunk(c, nil); err != nil {
		return nil, err
	}
	var family dto.MetricFamily
	if err := proto.Unmarshal(w.dst, &family); err != nil {
		return nil, fmt.Errorf("family %q: %w", name, err)
	}
	return family.Metric, nil
}

// encodeMetricWriter turns the chunks of a family into `metric` fields of a
// MetricFamily, without the detour over the client model's objects: a family can
// have millions of lines.
type encodeMetricWriter struct {
	dst   []byte
	name  string
	typ   Type
	names *escapeNames // nil: names stay as they are
	line  Line

	// The histogram or summary whose lines are being read.
	open   bool
	labels []byte // encoded
	points []encodePoint
	sum    float64
	count  float64

	next, value, unquoted []byte // scratch
}

// encodePoint is a bucket or a quantile.
type encodePoint struct{ bound, value float64 }

// chunk appends the metrics of a chunk to w.dst. After an error w.dst is not to
// be used.
func (w *encodeMetricWriter) chunk(c Chunk, names *escapeNames) (err error) {
	if c.Proto != nil {
		if names == nil {
			w.dst = append(w.dst, c.Proto...)
			return nil
		}
		w.dst, err = encodeEscapedProto(w.dst, c.Proto, names.scheme)
		return err
	}
	w.names, w.open = names, false
	for text := c.regular(); len(text) > 0; {
		if text, err = w.line.read(text); err == nil {
			err = w.add()
		}
		if err != nil {
			return fmt.Errorf("family %q: %w", w.name, err)
		}
	}
	w.finish()
	return nil
}

// encodeEscapedProto appends encoded metrics with escaped names of labels.
func encodeEscapedProto(dst, wire []byte, scheme escapeScheme) ([]byte, error) {
	var family dto.MetricFamily
	if err := proto.Unmarshal(wire, &family); err != nil {
		return dst, err
	}
	for _, m := range family.Metric {
		for _, l := range m.Label {
			l.Name = proto.String(scheme.labelName(l.GetName()))
		}
	}
	return proto.MarshalOptions{}.MarshalAppend(dst, &family)
}

// add takes in the line that was just read.
func (w *encodeMetricWriter) add() error {
	value, err := strconv.ParseFloat(string(w.line.Value), 64)
	if err != nil {
		return fmt.Errorf("value %q is not a number", w.line.Value)
	}
	sample := w.unquote(w.line.Name)
	if len(sample) < len(w.name) || string(sample[:len(w.name)]) != w.name {
		return fmt.Errorf("a sample is called %q", w.line.Name)
	}
	suffix := sample[len(w.name):]
	var pointLabel, pointSuffix string
	switch w.typ {
	case Summary:
		pointLabel = "quantile"
	case Histogram, GaugeHistogram:
		pointLabel, pointSuffix = "le", "_bucket"
	default:
		if len(suffix) > 0 {
			return fmt.Errorf("a sample of a %s is called %q", w.typ, w.line.Name)
		}
		w.single(value)
		return nil
	}
	isPoint := string(suffix) == pointSuffix
	isSum, isCount := string(suffix) == "_sum", string(suffix) == "_count"
	if !isPoint && !isSum && !isCount {
		return fmt.Errorf("a sample of a %s is called %q", w.typ, w.line.Name)
	}
	bound, err := w.encodeLabels(pointLabel, isPoint)
	if err != nil {
		return err
	}
	if !w.open || !bytes.Equal(w.labels, w.next) {
		w.finish()
		w.open = true
		w.labels, w.next = w.next, w.labels
		w.points, w.sum, w.count = w.points[:0], 0, 0
	}
	switch {
	case isPoint:
		w.points = append(w.points, encodePoint{bound, value})
	case isSum:
		w.sum = value
	default:
		w.count = value
		w.finish()
	}
	return nil
}

// encodeLabels encodes the labels of the line into w.next, all but the one that
// holds the bound of a bucket or quantile.
func (w *encodeMetricWriter) encodeLabels(pointLabel string, isPoint bool) (bound float64, err error) {
	w.next = w.next[:0]
	found := !isPoint
	for _, l := range w.line.Labels {
		if isPoint && string(l.Name) == pointLabel {
			found = true
			if bound, err = strconv.ParseFloat(string(l.Value), 64); err != nil {
				return 0, fmt.Errorf("%s %q is not a number", pointLabel, l.Value)
			}
			continue
		}
		w.next = w.appendLabel(w.next, l)
	}
	if !found {
		return 0, fmt.Errorf("sample %q has no label %q", w.line.Name, pointLabel)
	}
	return bound, nil
}

func (w *encodeMetricWriter) appendLabel(dst []byte, l LineLabel) []byte {
	var name []byte
	if w.names == nil {
		name = w.unquote(l.Name)
	} else {
		w.unquoted = append(w.unquoted[:0], w.names.label(l.Name)...)
		name = w.unquoted
	}
	if w.line.escapes {
		w.value = escapeAppendUnquoted(w.value[:0], l.Value)
		l.Value = w.value
	}
	dst = protowire.AppendTag(dst, encodeMetricLabel, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(2+protowire.SizeBytes(len(name))+protowire.SizeBytes(len(l.Value))))
	dst = protowire.AppendTag(dst, encodePairName, protowire.BytesType)
	dst = protowire.AppendBytes(dst, name)
	dst = protowire.AppendTag(dst, encodePairValue, protowire.BytesType)
	return protowire.AppendBytes(dst, l.Value)
}

// unquote returns what a name of the line means. It is valid until the next
// call.
func (w *encodeMetricWriter) unquote(raw []byte) []byte {
	if !w.line.escapes {
		return raw
	}
	w.unquoted = escapeAppendUnquoted(w.unquoted[:0], raw)
	return w.unquoted
}

// single appends the metric of a line that is all there is of it.
func (w *encodeMetricWriter) single(value float64) {
	field := encodeMetricUntyped
	switch w.typ {
	case Counter:
		field = encodeMetricCounter
	case Gauge:
		field = encodeMetricGauge
	}
	w.next = w.next[:0]
	for _, l := range w.line.Labels {
		w.next = w.appendLabel(w.next, l)
	}
	w.next = protowire.AppendTag(w.next, field, protowire.BytesType)
	w.next = protowire.AppendVarint(w.next, 1+8)
	w.next = encodeAppendDouble(w.next, encodeValue, value)
	w.dst = protowire.AppendTag(w.dst, encodeFamilyMetric, protowire.BytesType)
	w.dst = protowire.AppendBytes(w.dst, w.next)
}

// finish appends the histogram or summary whose lines have been read.
func (w *encodeMetricWriter) finish() {
	if !w.open {
		return
	}
	w.open = false
	field := encodeMetricHistogram
	if w.typ == Summary {
		field = encodeMetricSummary
		w.value = w.appendSummary(w.value[:0])
	} else {
		w.value = w.appendHistogram(w.value[:0])
	}
	w.labels = protowire.AppendTag(w.labels, field, protowire.BytesType)
	w.labels = protowire.AppendBytes(w.labels, w.value)
	w.dst = protowire.AppendTag(w.dst, encodeFamilyMetric, protowire.BytesType)
	w.dst = protowire.AppendBytes(w.dst, w.labels)
}

func (w *encodeMetricWriter) appendSummary(dst []byte) []byte {
	dst = encodeAppendCount(dst, encodePointsCount, w.count)
	dst = encodeAppendDouble(dst, encodePointsSum, w.sum)
	for _, p := range w.points {
		dst = protowire.AppendTag(dst, encodePointsPoint, protowire.BytesType)
		dst = protowire.AppendVarint(dst, 2*(1+8))
		dst = encodeAppendDouble(dst, encodeQuantileBound, p.bound)
		dst = encodeAppendDouble(dst, encodeQuantileValue, p.value)
	}
	return dst
}

// appendHistogram writes all counts as floats if one of them is no integer:
// readers take a histogram for the one or the other.
func (w *encodeMetricWriter) appendHistogram(dst []byte) []byte {
	float := !encodeIsCount(w.count)
	for _, p := range w.points {
		float = float || !encodeIsCount(p.value)
	}
	if float {
		dst = encodeAppendDouble(dst, encodePointsCountFloat, w.count)
	} else {
		dst = encodeAppendCount(dst, encodePointsCount, w.count)
	}
	dst = encodeAppendDouble(dst, encodePointsSum, w.sum)
	for _, p := range w.points {
		dst = protowire.AppendTag(dst, encodePointsPoint, protowire.BytesType)
		if float {
			dst = protowire.AppendVarint(dst, 2*(1+8))
			dst = encodeAppendDouble(dst, encodeBucketCountFloat, p.value)
		} else {
			dst = protowire.AppendVarint(dst, uint64(1+protowire.SizeVarint(uint64(p.value))+1+8))
			dst = encodeAppendCount(dst, encodeBucketCount, p.value)
		}
		dst = encodeAppendDouble(dst, encodeBucketBound, p.bound)
	}
	return dst
}

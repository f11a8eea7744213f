package exposition

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The numbers of the protobuf fields that are written here.
const (
	encodeFamilyName   protowire.Number = 1
	encodeFamilyHelp   protowire.Number = 2
	encodeFamilyType   protowire.Number = 3
	encodeFamilyMetric protowire.Number = 4
	encodeFamilyUnit   protowire.Number = 5

	encodeMetricLabel     protowire.Number = 1
	encodeMetricGauge     protowire.Number = 2
	encodeMetricCounter   protowire.Number = 3
	encodeMetricSummary   protowire.Number = 4
	encodeMetricUntyped   protowire.Number = 5
	encodeMetricHistogram protowire.Number = 7

	encodePairName  protowire.Number = 1
	encodePairValue protowire.Number = 2

	encodeValue protowire.Number = 1 // of a counter, a gauge, an untyped

	encodePointsCount      protowire.Number = 1 // of a histogram and a summary alike, as the next two
	encodePointsSum        protowire.Number = 2
	encodePointsPoint      protowire.Number = 3
	encodePointsCountFloat protowire.Number = 4

	encodeBucketCount      protowire.Number = 1
	encodeBucketBound      protowire.Number = 2
	encodeBucketCountFloat protowire.Number = 4

	encodeQuantileBound protowire.Number = 1
	encodeQuantileValue protowire.Number = 2
)

// encodeProtobufTypes holds the numbers of io.prometheus.client.MetricType.
var encodeProtobufTypes = [...]uint64{
	Counter:        0,
	Gauge:          1,
	Summary:        2,
	Untyped:        3,
	Histogram:      4,
	GaugeHistogram: 5,
}

// encodeIsCount says whether v is an integer that an unsigned field holds.
func encodeIsCount(v float64) bool {
	return v >= 0 && v < 1<<64 && v == math.Trunc(v)
}

func encodeAppendDouble(dst []byte, field protowire.Number, v float64) []byte {
	dst = protowire.AppendTag(dst, field, protowire.Fixed64Type)
	return protowire.AppendFixed64(dst, math.Float64bits(v))
}

// encodeAppendCount appends an unsigned integer; what is none becomes the
// nearest, NaN becomes 0.
func encodeAppendCount(dst []byte, field protowire.Number, v float64) []byte {
	count := uint64(0)
	switch {
	case v >= 1<<64:
		count = math.MaxUint64
	case v > 0:
		count = uint64(v)
	}
	dst = protowire.AppendTag(dst, field, protowire.VarintType)
	return protowire.AppendVarint(dst, count)
}

// encodeAppendString appends a string field, unless it is empty.
func encodeAppendString(dst []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return dst
	}
	dst = protowire.AppendTag(dst, field, protowire.BytesType)
	return protowire.AppendString(dst, s)
}

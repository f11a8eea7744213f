// Drives prometheus-cpp: push ACTION HOST PORT JOB VALUE [NAME VALUE]...
//
// The library's Push merges (POST), and its PushAdd replaces (PUT).
#include <prometheus/counter.h>
#include <prometheus/gateway.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/summary.h>

#include <iostream>
#include <limits>
#include <memory>
#include <string>

using namespace prometheus;

static std::shared_ptr<Registry> everything(double value) {
  auto registry = std::make_shared<Registry>();
  // A line end in a HELP text is not escaped.
  auto& gauge = BuildGauge().Name("backup_bytes").Help("Size of the \"last\" backup in bytes.").Register(*registry);
  gauge.Add({{"table", "a \"b\"\n\\ü"}}).Set(value);
  gauge.Add({{"table", ""}}).Set(std::numeric_limits<double>::infinity());
  BuildCounter().Name("backups_total").Help("Backups so far.").Register(*registry).Add({}).Increment(value);
  auto& histogram = BuildHistogram().Name("backup_seconds").Help("Duration.").Register(*registry).Add({}, Histogram::BucketBoundaries{0.5, 1, 10});
  auto& summary = BuildSummary().Name("backup_wait_seconds").Help("Wait.").Register(*registry).Add({}, Summary::Quantiles{});
  for (double seconds : {0.25, 2.0, 64.0}) {
    histogram.Observe(seconds);
    summary.Observe(seconds);
  }
  return registry;
}

static std::shared_ptr<Registry> one(double value) {
  auto registry = std::make_shared<Registry>();
  BuildGauge().Name("last_success").Help("Time of the last success.").Register(*registry).Add({}).Set(value);
  return registry;
}

static std::shared_ptr<Registry> huge() {
  auto registry = std::make_shared<Registry>();
  auto& gauge = BuildGauge().Name("huge").Help("Too large.").Register(*registry);
  for (int i = 0; i < 17; i++) gauge.Add({{"text", std::to_string(i) + std::string(1000000, 'x')}}).Set(1);
  return registry;
}

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  const std::string action = argv[1];
  const double value = std::stod(argv[5]);
  Labels grouping;
  for (int i = 6; i + 1 < argc; i += 2) grouping[argv[i]] = argv[i + 1];
  Gateway gateway{argv[2], argv[3], argv[4], grouping};
  auto registry = action == "push" ? everything(value) : action == "huge" ? huge() : one(value);
  gateway.RegisterCollectable(registry);
  const int status = action == "add" ? gateway.Push() : action == "delete" ? gateway.DeleteForInstance() : gateway.PushAdd();
  if (status / 100 == 2) return 0;
  std::cerr << "status " << status << "\n";
  return 1;
}

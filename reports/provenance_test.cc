#include "reports/provenance.h"

#include "tools/base/testing.h"

namespace yoloq {
namespace {

TEST(ProvenanceTest, CpuModelOfX86) {
  EXPECT_EQ(CpuModel("processor\t: 0\nmodel\t\t: 1\n"
                     "model name\t: Some CPU @ 2.00GHz\nmodel name\t: B\n"),
            "Some CPU @ 2.00GHz");
}

TEST(ProvenanceTest, CpuModelOfARaspberryPi) {
  EXPECT_EQ(CpuModel("processor\t: 0\nCPU part\t: 0xd03\n\n"
                     "Model\t\t: Raspberry Pi 3 Model B Plus Rev 1.3\n"),
            "Raspberry Pi 3 Model B Plus Rev 1.3");
}

TEST(ProvenanceTest, WhatIsNotThereIsUnknown) {
  EXPECT_EQ(CpuModel(""), "unknown");
  EXPECT_EQ(OperatingSystem("ID=debian\n"), "unknown");
  EXPECT_EQ(MemoryBytes("MemFree: 1 kB\n"), 0);
  EXPECT_EQ(MemoryBytes("MemTotal: x kB\n"), 0);
}

TEST(ProvenanceTest, MemoryIsInBytes) {
  EXPECT_EQ(MemoryBytes("MemTotal:        8388608 kB\nMemFree: 1 kB\n"),
            int64_t{8} << 30);
}

TEST(ProvenanceTest, OperatingSystemIsItsPrettyName) {
  EXPECT_EQ(OperatingSystem("NAME=\"Debian\"\n"
                            "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"),
            "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(OperatingSystem("PRETTY_NAME=Plain\n"), "Plain");
}

TEST(ProvenanceTest, FillsInThisHostAndKeepsTheRest) {
  Provenance provenance;
  provenance.set_git_commit("abc");
  FillHost(absl::FromUnixSeconds(1764000000), &provenance);
  EXPECT_EQ(provenance.git_commit(), "abc");
  EXPECT_EQ(provenance.started_utc(), "2025-11-24T16:00:00Z");
  EXPECT_NE(provenance.host_name(), "");
  EXPECT_NE(provenance.cpu_model(), "");
  EXPECT_GE(provenance.cpu_count(), 1);
  EXPECT_GT(provenance.memory_bytes(), 0);
}

}  // namespace
}  // namespace yoloq

#include "tools/base/testing.h"

#include <cstdlib>
#include <filesystem>

#include "tools/base/file.h"

namespace yoloq {

std::string TestFolder() {
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  std::string name = info == nullptr ? "suite"
                                     : absl::StrCat(info->test_suite_name(),
                                                    ".", info->name());
  for (char& c : name) {
    if (c == '/') c = '_';
  }
  static int count = 0;
  const std::string folder =
      JoinPath(::testing::TempDir(), absl::StrCat(name, ".", count++));
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

std::string SharedDataFolder() {
  const char* folder = std::getenv("YOLOQ_SHARED");
  if (folder == nullptr || !PathExists(JoinPath(folder, "voc"))) return "";
  return folder;
}

}  // namespace yoloq

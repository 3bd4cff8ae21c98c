#include "hw/remote/connection.h"

#include <utility>

namespace yoloq {
namespace {

class LocalConnection : public Connection {
 public:
  absl::StatusOr<ProcessResult> Execute(const std::string& command_line,
                                        ProcessOptions options) override {
    options.argv = {"sh", "-c", command_line};
    return RunProcess(options);
  }

  absl::Status Reconnect() override { return absl::OkStatus(); }
};

}  // namespace

std::unique_ptr<Connection> MakeLocalConnection() {
  return std::make_unique<LocalConnection>();
}

}  // namespace yoloq

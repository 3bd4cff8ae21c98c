#include "tests/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace yoloq {
namespace {

void SendAll(int connection, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent =
        send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(sent);
  }
}

// Everything up to the empty line that ends a request.
std::string ReceiveRequest(int connection) {
  std::string request;
  char buffer[4096];
  while (request.find("\r\n\r\n") == std::string::npos) {
    const ssize_t received = recv(connection, buffer, sizeof(buffer), 0);
    if (received <= 0) break;
    request.append(buffer, received);
  }
  return request;
}

// N of a line "Range: bytes=N-"; 0 where there is none.
int64_t FirstByte(absl::string_view request) {
  int64_t first = 0;
  for (absl::string_view line : absl::StrSplit(request, "\r\n")) {
    if (absl::ConsumePrefix(&line, "Range: bytes=")) {
      (void)absl::SimpleAtoi(line.substr(0, line.find('-')), &first);
    }
  }
  return first;
}

}  // namespace

HttpServer::HttpServer() {
  socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (socket_ < 0 || bind(socket_, generic, size) != 0 ||
      listen(socket_, 8) != 0 || getsockname(socket_, generic, &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { AcceptLoop(); });
}

HttpServer::~HttpServer() {
  shutdown(socket_, SHUT_RDWR);  // wakes accept()
  thread_.join();
  close(socket_);
}

void HttpServer::Serve(const std::string& path, File file) {
  const std::lock_guard<std::mutex> lock(mutex_);
  files_[path] = std::move(file);
}

std::string HttpServer::url() const {
  return absl::StrCat("http://127.0.0.1:", port_);
}

std::vector<std::string> HttpServer::requests() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return requests_;
}

void HttpServer::AcceptLoop() {
  while (true) {
    const int connection = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    Answer(connection);
    close(connection);
  }
}

void HttpServer::Answer(int connection) {
  const std::string request = ReceiveRequest(connection);
  const std::vector<std::string> words =
      absl::StrSplit(request.substr(0, request.find('\r')), ' ');
  if (words.size() != 3) return;
  const int64_t first = FirstByte(request);
  File file;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    requests_.push_back(absl::StrCat(words[0], " ", words[1], " ", first));
    const auto found = files_.find(words[1]);
    if (found == files_.end()) {
      SendAll(connection,
              "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"
              "Connection: close\r\n\r\n");
      return;
    }
    file = found->second;
  }
  const int64_t total = file.contents.size();
  absl::string_view body = file.contents;
  std::string head = "HTTP/1.1 200 OK\r\n";
  if (file.ranges && first >= total && first > 0) {
    body = "";
    head = absl::StrCat("HTTP/1.1 416 Range Not Satisfiable\r\n",
                        "Content-Range: bytes */", total, "\r\n");
  } else if (file.ranges && first > 0) {
    body = body.substr(first);
    head = absl::StrCat("HTTP/1.1 206 Partial Content\r\n",
                        "Content-Range: bytes ", first, "-", total - 1, "/",
                        total, "\r\n");
  }
  SendAll(connection, absl::StrCat(head, "Content-Length: ", body.size(),
                                   "\r\nConnection: close\r\n\r\n"));
  if (words[0] == "HEAD") return;
  if (file.break_after_bytes >= 0) {
    body = body.substr(0, file.break_after_bytes);
  }
  SendAll(connection, body);
}

}  // namespace yoloq

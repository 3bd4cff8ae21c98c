// A small HTTP server on this machine, for tests of what fetches files.
//
//   HttpServer server;
//   server.Serve("/a.tar", contents);
//   Fetch(server.url() + "/a.tar");
#ifndef YOLOQ_TESTS_HTTP_SERVER_H_
#define YOLOQ_TESTS_HTTP_SERVER_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace yoloq {

// Answers GET and HEAD requests, one connection at a time, from a thread of its
// own; every other path is 404.
class HttpServer {
 public:
  // How a file is served.
  struct File {
    std::string contents;
    // The connection breaks after so many bytes of each answer; < 0: never.
    int64_t break_after_bytes = -1;
    // Whether a part can be asked for ("Range: bytes=100-").
    bool ranges = true;
  };

  HttpServer();
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Serves the file at `path` ("/name") from now on.
  void Serve(const std::string& path, File file);

  // "http://127.0.0.1:PORT".
  std::string url() const;

  // The requests so far: "GET /a.tar 0", where the number is the first byte
  // that was asked for.
  std::vector<std::string> requests() const;

 private:
  void AcceptLoop();
  void Answer(int connection);

  int socket_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, File> files_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace yoloq

#endif  // YOLOQ_TESTS_HTTP_SERVER_H_

// Preloaded into the ssh server of tests. A server that runs as root separates
// its privileges by a user and a folder that the package would have installed;
// here another user and the test's own folder serve, and nothing is installed.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pwd.h>
#include <shadow.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char kPrivilegeFolder[] = "/run/sshd";

static const char* Redirected(const char* path) {
  const char* folder = getenv("YOLOQ_TEST_SSHD_FOLDER");
  return folder != NULL && strcmp(path, kPrivilegeFolder) == 0 ? folder : path;
}

struct passwd* getpwnam(const char* name) {
  struct passwd* (*real)(const char*) = dlsym(RTLD_NEXT, "getpwnam");
  struct passwd* user = real(name);
  if (user == NULL) return strcmp(name, "sshd") == 0 ? real("nobody") : NULL;
  // What this user's shell does when it starts is no part of a test.
  user->pw_shell = (char*)"/bin/sh";
  return user;
}

// Keys alone decide here, also where the password is locked.
struct spwd* getspnam(const char* name) {
  (void)name;
  return NULL;
}

int stat(const char* path, struct stat* result) {
  int (*real)(const char*, struct stat*) = dlsym(RTLD_NEXT, "stat");
  return real(Redirected(path), result);
}

int chroot(const char* path) {
  int (*real)(const char*) = dlsym(RTLD_NEXT, "chroot");
  return real(Redirected(path));
}

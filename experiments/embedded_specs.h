// The text of every spec of this folder, as a part of the program.
#ifndef YOLOQ_EXPERIMENTS_EMBEDDED_SPECS_H_
#define YOLOQ_EXPERIMENTS_EMBEDDED_SPECS_H_

#include <map>
#include <string>

namespace yoloq {

// "experiments/ptq.textproto", "experiments/profiles/quick.textproto" -> text.
const std::map<std::string, std::string>& EmbeddedSpecs();

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_EMBEDDED_SPECS_H_

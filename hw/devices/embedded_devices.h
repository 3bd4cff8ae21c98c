// The text of every spec of this folder, as a part of the program.
#ifndef YOLOQ_HW_DEVICES_EMBEDDED_DEVICES_H_
#define YOLOQ_HW_DEVICES_EMBEDDED_DEVICES_H_

#include <map>
#include <string>

namespace yoloq {

// "hw/devices/host.textproto" -> text.
const std::map<std::string, std::string>& EmbeddedDeviceSpecs();

}  // namespace yoloq

#endif  // YOLOQ_HW_DEVICES_EMBEDDED_DEVICES_H_

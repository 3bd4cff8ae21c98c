// The board that hw/pi3_model.h is about: a Raspberry Pi 3B+ whose four cores
// all compute.
#ifndef YOLOQ_HW_PI3_BOARD_H_
#define YOLOQ_HW_PI3_BOARD_H_

namespace yoloq {

inline constexpr char kPi3Core[] = "cortex_a53";  // hw/native/isa.h
inline constexpr int kPi3Threads = 4;

}  // namespace yoloq

#endif  // YOLOQ_HW_PI3_BOARD_H_

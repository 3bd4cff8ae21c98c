// The text of agent.sh, as a part of the program.
#ifndef YOLOQ_HW_REMOTE_AGENT_SCRIPT_H_
#define YOLOQ_HW_REMOTE_AGENT_SCRIPT_H_

namespace yoloq {

extern const char kAgentScript[];

}  // namespace yoloq

#endif  // YOLOQ_HW_REMOTE_AGENT_SCRIPT_H_

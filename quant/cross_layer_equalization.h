// Cross-layer equalization (Nagel et al., "Data-Free Quantization Through
// Weight Equalization and Bias Correction", ICCV 2019, section 4.1).
#ifndef YOLOQ_QUANT_CROSS_LAYER_EQUALIZATION_H_
#define YOLOQ_QUANT_CROSS_LAYER_EQUALIZATION_H_

#include "model/graph.pb.h"
#include "model/weights.h"

namespace yoloq {

// Weights of the same function whose channels share one range from convolution
// to convolution, so that one scale a tensor serves all of them.
//
// Where a convolution's output goes to one other convolution and nowhere else
// (max-pools and upsampling between them are passed through), its channel c is
// divided by s[c] and the other's input channel c multiplied by it,
//   s[c] = sqrt(r1[c] / r2[c]),
// with r1, r2 the largest magnitudes of the weights that make and that read
// the channel. All activations of the graph let positive factors through. This
// is repeated over all pairs until no factor moves by more than a thousandth.
//
// Unlike in the paper, no channel is scaled up so far that its bias passes the
// largest of its layer: what a channel of next to no weight would otherwise get
// becomes the range of the whole activation.
//
// `graph` has shapes and no batch norm; `weights` fits it (CheckWeights).
Weights EqualizeCrossLayer(const Graph& graph, Weights weights);

}  // namespace yoloq

#endif  // YOLOQ_QUANT_CROSS_LAYER_EQUALIZATION_H_

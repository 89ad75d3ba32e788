//! One function per operator (or family), found by domain and name.

mod activations;
mod arithmetic;
mod attention;
mod cast;
mod classes;
mod constant;
mod conv;
mod cumulate;
mod determinant;
mod einsum;
mod finite;
mod fused;
mod indices;
mod interpolate;
mod linear;
mod linear_models;
mod logic;
mod ml;
mod normalise;
mod norms;
mod one_hot;
mod order;
mod pad;
mod pick;
mod pool;
mod qdq;
mod quant;
mod recurrent;
mod reduce;
mod remainder;
mod resize;
mod scatter;
mod shape;
mod space;
mod svm;
mod trees;
mod unary;
mod weights;
mod window;

use super::{ImportError, context::Context, node::NodeView, value::Value};

/// Imports one node: its results, in the operator's order. Results at the end may be missing if they only matter in training.
type Handler = fn(&mut Context<'_>, &NodeView<'_>) -> Result<Vec<Value>, ImportError>;

/// Domains under which exporters write QONNX's operators.
const QONNX: [&str; 3] = [
    "qonnx.custom_op.general",
    "finn.custom_op.general",
    "onnx.brevitas",
];

/// The importer of an operator. Adding an operator adds a line here.
fn handler(domain: &str, operator: &str) -> Option<Handler> {
    if QONNX.contains(&domain) {
        return Some(match operator {
            "Quant" | "IntQuant" => quant::quant,
            "BipolarQuant" => quant::bipolar,
            "Trunc" => quant::trunc,
            "MultiThreshold" => quant::multi_threshold,
            _ => return None,
        });
    }
    if domain == "ai.onnx.ml" {
        return Some(match operator {
            "Scaler" => ml::scaler,
            "ArrayFeatureExtractor" => ml::array_feature_extractor,
            "ZipMap" => ml::zip_map,
            "LinearRegressor" => linear_models::regressor,
            "LinearClassifier" => linear_models::classifier,
            "SVMClassifier" => svm::classifier,
            "SVMRegressor" => svm::regressor,
            "Imputer" => ml::imputer,
            "Binarizer" => ml::binarizer,
            "OneHotEncoder" => ml::one_hot_encoder,
            "LabelEncoder" => ml::label_encoder,
            "FeatureVectorizer" => ml::feature_vectorizer,
            "Normalizer" => norms::normalizer,
            "TreeEnsembleClassifier" => trees::classifier,
            "TreeEnsembleRegressor" => trees::regressor,
            "TreeEnsemble" => trees::tree_ensemble,
            _ => return None,
        });
    }
    if domain == "com.microsoft" {
        return Some(match operator {
            "FusedGemm" => fused::gemm,
            "FusedConv" => fused::convolution,
            "FusedMatMul" | "TransposeMatMul" => fused::matmul,
            "Gelu" | "BiasGelu" | "FastGelu" => fused::gelu,
            "QuickGelu" => activations::swish,
            "SkipLayerNormalization" | "SkipSimplifiedLayerNormalization" => {
                fused::skip_normalization
            }
            "SimplifiedLayerNormalization" => norms::rms_normalization,
            "Trilu" => one_hot::trilu,
            "CDist" => ml::distances,
            _ => return None,
        });
    }
    if !matches!(domain, "" | "ai.onnx") {
        return None;
    }
    Some(match operator {
        "Abs" | "Ceil" | "Erf" | "Exp" | "Floor" | "HardSwish" | "Log" | "Mish" | "Neg" | "Not"
        | "Reciprocal" | "Relu" | "Round" | "Sigmoid" | "Sign" | "Softplus" | "Softsign"
        | "Sqrt" | "Tanh" | "Sin" | "Cos" | "Tan" | "Asin" | "Acos" | "Atan" | "Sinh" | "Cosh"
        | "Asinh" | "Acosh" | "Atanh" => unary::plain,
        "ThresholdedRelu" => activations::thresholded_relu,
        "Swish" => activations::swish,
        "Shrink" => activations::shrink,
        "IsNaN" | "IsInf" => finite::is_nan_or_infinite,
        "Mod" => remainder::remainder,
        "CumSum" => cumulate::cumulative_sum,
        "Det" => determinant::determinant,
        "OneHot" => one_hot::one_hot,
        "Hardmax" => one_hot::hardmax,
        "EyeLike" => one_hot::eye_like,
        "Trilu" => one_hot::trilu,
        "LeakyRelu" | "Elu" | "Selu" | "Celu" | "HardSigmoid" | "Gelu" => unary::with_attributes,
        "Clip" => unary::clip,
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "PRelu" => arithmetic::binary,
        "Min" | "Max" | "Sum" | "Mean" => arithmetic::variadic,
        "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "Equal" => logic::compare,
        "And" | "Or" | "Xor" => logic::logic,
        "Where" => logic::select,
        "Cast" => cast::cast,
        "CastLike" => cast::cast_like,
        "Constant" => constant::constant,
        "ConstantOfShape" => constant::constant_of_shape,
        "Range" => constant::range,
        "MatMul" => linear::matmul,
        "Gemm" => linear::gemm,
        "Einsum" => einsum::einsum,
        "BatchNormalization" => normalise::batch_normalization,
        "LayerNormalization" => norms::layer_normalization,
        "RMSNormalization" | "SimplifiedLayerNormalization" => norms::rms_normalization,
        "InstanceNormalization" => norms::instance_normalization,
        "GroupNormalization" => norms::group_normalization,
        "MeanVarianceNormalization" => norms::mean_variance_normalization,
        "LpNormalization" => norms::lp_normalization,
        "LRN" => norms::local_response_normalization,
        "Softmax" | "LogSoftmax" => normalise::softmax,
        "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd"
        | "ReduceSumSquare" | "ReduceL1" | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp" => {
            reduce::reduce
        }
        "GlobalAveragePool" | "GlobalMaxPool" | "GlobalLpPool" => reduce::global_pool,
        "RNN" | "GRU" | "LSTM" => recurrent::recurrent,
        "Conv" => conv::conv,
        "ConvTranspose" => conv::conv_transpose,
        "MaxPool" | "AveragePool" => pool::pool,
        "LpPool" => pool::lp_pool,
        "Pad" => pad::pad,
        "Resize" | "Upsample" => resize::resize,
        "ArgMax" | "ArgMin" => order::arg_max,
        "TopK" => order::top_k,
        "Identity" | "Dropout" => shape::identity,
        "Shape" => shape::shape,
        "Size" => shape::size,
        "Reshape" => shape::reshape,
        "Flatten" => shape::flatten,
        "Squeeze" => shape::squeeze,
        "Unsqueeze" => shape::unsqueeze,
        "Expand" => shape::expand,
        "Transpose" => shape::transpose,
        "Slice" => pick::slice,
        "Gather" => pick::gather,
        "GatherElements" => indices::gather_elements,
        "GatherND" => indices::gather_nd,
        "Tile" => indices::tile,
        "ScatterElements" | "Scatter" => scatter::scatter_elements,
        "ScatterND" => scatter::scatter_nd,
        "DepthToSpace" => space::depth_to_space,
        "SpaceToDepth" => space::space_to_depth,
        "ReverseSequence" => space::reverse_sequence,
        "Compress" => space::compress,
        "NonZero" => space::non_zero,
        "Attention" => attention::attention,
        "Split" => pick::split,
        "Concat" => pick::concat,
        "QuantizeLinear" => qdq::quantize_linear,
        "DequantizeLinear" => qdq::dequantize_linear,
        _ => return None,
    })
}

/// Whether there is an importer of an operator.
pub(super) fn is_supported(domain: &str, operator: &str) -> bool {
    // If takes the place of one of its branches before, rounds and quantised operators are written out.
    handler(domain, operator).is_some()
        || super::qoperator::is_quantised(domain, operator)
        || matches!((domain, operator), ("" | "ai.onnx", "If" | "Loop" | "Scan"))
}

/// Whether an operator rounds, whatever its operand's precision: a network with such a one is quantised.
pub(super) fn rounds(operator: &str) -> bool {
    let quantisers = ["QuantizeLinear", "Quant", "Trunc", "BipolarQuant"];
    quantisers.contains(&operator) || matches!(operator, "Floor" | "Ceil" | "Round")
}

/// Imports one node.
pub(super) fn import(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let proto = node.proto;
    let Some(handler) = handler(&proto.domain, &proto.op_type) else {
        return Err(ImportError::Operator {
            node: node.name.clone(),
            operator: node.operator(),
            hint: hint(&proto.domain, &proto.op_type).to_owned(),
        });
    };
    let results = handler(context, node)?;
    node.check_all_read()?;
    Ok(results)
}

/// What to do about an operator that is not supported.
fn hint(domain: &str, operator: &str) -> &'static str {
    let quantised = [
        "Integer",
        "Quantize",
        "QLinear",
        "QGemm",
        "QAttention",
        "NBits",
    ];
    match (domain, operator) {
        ("com.microsoft", _)
        | (_, "QLinearMatMul" | "QLinearConv" | "MatMulInteger" | "ConvInteger")
            if quantised.iter().any(|part| operator.contains(part)) =>
        {
            "quantise in the QDQ format instead (quant_format=QuantFormat.QDQ)"
        }
        ("com.microsoft" | "com.microsoft.nchwc", _) => {
            "onnxruntime wrote it when it saved the model optimised: take the model as it was exported, or save it with \
             ORT_ENABLE_BASIC"
        }
        ("ai.onnx.ml", _) => {
            "of scikit-learn's operators linear models, support vector machines, tree ensembles, Scaler, Normalizer, Imputer, \
             Binarizer, OneHotEncoder, LabelEncoder of numbers, FeatureVectorizer, ArrayFeatureExtractor and ZipMap are supported"
        }
        (domain, "FloatQuant") if QONNX.contains(&domain) => {
            "quantise to integers (Quant): a float quantiser has no integer program"
        }
        (
            _,
            "RandomNormal" | "RandomNormalLike" | "RandomUniform" | "RandomUniformLike"
            | "Bernoulli",
        ) => {
            "a trigger's answer must not be random: export the network's mean (a VAE's encoder) in inference mode"
        }
        ("" | "ai.onnx", _) => "rewrite that part of the network with supported operators",
        _ => "only ONNX's own operators can be compiled: export without custom operators",
    }
}

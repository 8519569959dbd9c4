"""The lists: what homework uses, and names that only code with another aim needs."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


# Modules that may be used whole.
WHOLE = words(
    """
    __future__ abc argparse array base64 binascii bisect bz2 calendar cmath collections colorsys
    configparser contextlib copy csv dataclasses datetime decimal difflib enum errno fnmatch
    fractions functools getopt getpass glob gzip hashlib heapq html itertools json keyword
    locale logging lzma math numbers operator optparse pathlib platform pprint queue random re
    secrets shlex shutil statistics string struct tarfile tempfile textwrap time typing
    typing_extensions unicodedata urllib uuid warnings zipfile zlib absl accelerate
    albumentations apex captum click colorama cv2 datasets einops evaluate fastprogress fire
    fvcore gdown google graphviz gym gymnasium h5py huggingface_hub hydra imageio ipywidgets
    joblib kagglehub keras kornia lightning lightning_utilities lion_pytorch loguru matplotlib
    ml_collections mlflow mpl_toolkits neptune networkx nltk numpy omegaconf onnx onnxruntime optuna
    pandas PIL plotly prettytable progress psutil ptflops pytorch_grad_cam pytorch_lightning
    requests rich safetensors scipy seaborn simple_parsing skimage sklearn skopt tabulate
    tensorboard tensorboard_logger tensorboardX tensorflow termcolor thop timm tomli toml tomllib torch
    torch_optimizer torchaudio torchinfo torchmetrics torchsummary torchtext torchview
    torchvision torchviz tqdm transformers visdom wandb yacs yaml
    """
)

# Modules of which only these names may be used.
PARTS: Mapping[str, frozenset[str]] = {
    module: words(names)
    for module, names in {
        "ast": "literal_eval",
        "concurrent": "",
        "gc": "collect disable enable isenabled",
        "importlib": "import_module metadata reload resources",
        "inspect": "Parameter cleandoc getdoc getsource isclass isfunction ismethod signature",
        "io": "BytesIO StringIO TextIOWrapper open",
        "multiprocessing": "cpu_count freeze_support set_start_method get_start_method",
        "os": "PathLike R_OK W_OK access chdir cpu_count curdir environ extsep fspath getcwd "
        "get_terminal_size getenv getpid link linesep listdir makedirs mkdir name path pathsep "
        "popen remove removedirs rename replace rmdir scandir sep stat system unlink walk",
        "pdb": "set_trace",
        "pickle": "DEFAULT_PROTOCOL HIGHEST_PROTOCOL PickleError UnpicklingError dump dumps load",
        "setuptools": "find_packages setup",
        "six": "iteritems itervalues moves string_types",
        "six.moves": "cPickle filter input map range urllib xrange zip",
        "pytest": "approx fail fixture importorskip main mark param raises skip",
        "resource": "RUSAGE_SELF getrusage",
        "ssl": "_create_default_https_context _create_unverified_context",
        "subprocess": "CalledProcessError DEVNULL PIPE STDOUT call check_call check_output "
        "getoutput run",
        "sys": "argv byteorder exc_info executable exit flags float_info getrecursionlimit "
        "getsizeof hexversion implementation maxsize modules path platform setrecursionlimit "
        "stderr stdin stdout stdlib_module_names version version_info",
        "timeit": "default_timer timeit",
        "traceback": "format_exc print_exc",
        "types": "MappingProxyType SimpleNamespace",
        "unittest": "TestCase main skip",
        "IPython": "display get_ipython",
        "torch.multiprocessing": "cpu_count freeze_support get_all_start_methods get_start_method "
        "set_sharing_strategy set_start_method spawn",
    }.items()
}

# Parts of allowed packages that load code, or reach below Python.
BLOCKED_PARTS = words(
    """
    IPython.core PIL.ImageMath logging.config joblib.load joblib.externals matplotlib.testing
    numpy.ctypeslib numpy.distutils numpy.f2py numpy.lib.format pandas.eval pandas.read_pickle
    scipy.LowLevelCallable string.Formatter sklearn.externals torch.classes torch.library torch.ops
    torch.overrides torch.package torch.serialization torch.utils.cpp_extension
    torch.utils.dlpack torch.utils.hooks torch.cuda.memory typing.ForwardRef
    typing.get_type_hints yaml.full_load yaml.unsafe_load yaml.unsafe_load_all
    urllib.request.install_opener functools.update_wrapper
    """
)

# Parts of packages that share the name of a standard module: everywhere, and by full name.
ALIKE = words("code dis io profile queue select site symbol test token trace")
NAMESAKES = words(
    """
    torch.signal scipy.signal torch.types torch.cuda.profiler torch.profiler.profile
    torch.autograd.profiler.profile torch.multiprocessing
    """
)

_STANDARD = sys.stdlib_module_names
# Standard modules that are not allowed as a whole; a name of this kind below another module is it.
RESTRICTED = frozenset(name for name in _STANDARD if name not in WHOLE)

# Modules that a reference to gives away, because `vars` or a parameter of a function then reaches
# all that is in them.
MODULES = words(
    """
    torch torch.nn torch.nn.functional torch.nn.init torch.nn.utils torch.nn.modules
    torch.nn.modules.module torch.nn.modules.batchnorm torch.nn.modules.conv torch.nn.parameter
    torch.optim torch.optim.optimizer torch.optim.lr_scheduler torch.optim.sgd torch.optim.adam
    torch.optim.adamw torch.utils torch.utils.data torch.utils.data.dataloader
    torch.utils.checkpoint torch.autograd torch.autograd.graph torch.cuda torch.cuda.amp
    torch.amp torch.backends torch.hub torch.jit torch.fx torch.random torch.linalg
    torch.distributed torchvision torchvision.models
    torchvision.datasets torchvision.transforms torchvision.transforms.functional
    torchvision.utils numpy numpy.random numpy.linalg os os.path
    """
)

# Modules that other modules import, and so hold: `helper.sys`.
HELD = words(
    """
    builtins ctypes gc importlib inspect io marshal os pickle subprocess sys threading types
    weakref
    """
)

# Attributes that homework needs of no object.
BLOCKED = words(
    """
    ag_frame ag_code call_method cell_contents co_code co_consts co_names cr_frame cr_code
    f_back f_builtins f_code f_globals f_locals f_trace fileno func_globals gi_code gi_frame
    get_field get_objects get_referents get_referrers get_type_hints getmembers getsignal hooks_dict_ref
    load_library load_module add_safe_globals safe_globals register_module_backward_hook
    register_module_buffer_registration_hook register_module_forward_hook
    register_module_forward_pre_hook register_module_full_backward_hook
    register_module_full_backward_pre_hook register_module_module_registration_hook
    register_module_parameter_registration_hook register_optimizer_step_post_hook
    register_optimizer_step_pre_hook read_pickle run_cell run_line_cell run_module run_path
    setprofile settrace tb_frame tb_next user_global_ns user_ns with_traceback
    """
)

# Methods of torch that the worker relies on. No one needs to replace them on an object.
METHODS = words(
    """
    add_param_group apply backward buffers children eval forward load_state_dict modules
    named_buffers named_children named_modules named_parameters numel parameters register_buffer
    register_forward_hook register_forward_pre_hook register_parameter requires_grad_ state_dict
    step train zero_grad
    """
)

# Settings of libraries, which scripts assign to.
SETTINGS = (
    "torch.backends.", "matplotlib.", "PIL.", "pandas.options.", "sys.stdout", "sys.stderr",
    "ssl._create_default_https_context", "os.environ", "torchvision.datasets.", "IPython.",
    "plotly.", "numpy.random.",
)  # fmt: skip

# Private attributes that scripts use although they belong to torch and others.
PRIVATE = words(
    """
    _BatchNorm _ConvNd _InstanceNorm _LRScheduler _Loss _NormBase _WeightedLoss _ConvTransposeNd
    _asdict _buffers _fields _get_name _initial_step _last_lr _make _modules _parameters
    _replace _step_count _forward_impl _make_layer _log_api_usage_once _ntuple _pair _single
    _triple _size_2_t _named_members _version _is_full_backward_hook _make_divisible
    _get_closed_form_lr _create_default_https_context _create_unverified_context _base_seed
    _utils _tensor
    """
)

# Dunder attributes that scripts read.
DUNDERS = frozenset(
    f"__{name}__"
    for name in words(
        """
        abs add and annotations bool bytes call ceil class contains dataclass_fields delitem divmod
        doc enter eq exit file float floor floordiv format ge getitem gt hash iadd iand imul index
        init int invert ior isub iter itruediv le len length_hint lshift lt matmul members mod
        module mul name ne neg next or pos pow qualname radd rand rdivmod repr reversed rfloordiv
        rlshift rmatmul rmod rmul ror round rpow rrshift rshift rsub rtruediv rxor setitem sizeof
        str sub truediv trunc version xor
        """
    )
)

# Methods of the data model that scripts define, or call on `super()`.
DEFINED = DUNDERS | frozenset(
    f"__{name}__"
    for name in words(
        """
        aenter aexit aiter anext class_getitem complex copy deepcopy del delattr dir get getattr
        getstate init_subclass missing new post_init set set_name setattr setstate
        """
    )
)

# Names at the top of a module with two underscores at both ends.
GLOBALS = words(
    """
    __all__ __author__ __debug__ __doc__ __email__ __file__ __name__ __package__ __version__
    __license__ __copyright__ __date__ __class__
    """
)

# Builtins that may be called, by rules of their own, and be used in no other way.
CALLED_ONLY = words("compile delattr eval exec getattr globals locals setattr vars")
FORBIDDEN_BUILTINS = frozenset(["__import__", "breakpoint"])

# Commands that notebooks and scripts start.
COMMANDS = words(
    """
    apt apt-get cat clear conda curl date df du echo free gdown git head hostname jupyter ls
    lscpu mkdir mv nproc nvidia-smi pip pip3 pwd rm stty tail tar top tree uname unzip wget
    which
    """
)

# Text that no honest string holds, apart from prose about Python.
IN_TEXT = re.compile(
    r"__(?:builtins|closure|code|dict|func|globals|import|loader|mro|bases|base|self|spec"
    r"|subclasses|traceback|wrapped|reduce|reduce_ex|getattribute|array_interface)__"
    r"|_global_\w*hook|cell_contents|tb_frame|f_back|gi_frame|f_globals|f_locals"
    r"|\bgrader\.[a-z]|/proc(?:/(?:self|thread-self|\d|$)|$)|/dev/fd|TORCH_FORCE_|LD_PRELOAD"
    r"|PYTHONSTARTUP|PYTHONPATH"
)

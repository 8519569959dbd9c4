import logging

import hydra
import torch
from hydra.utils import instantiate, to_absolute_path
from omegaconf import DictConfig, OmegaConf

log = logging.getLogger(__name__)
OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg: DictConfig) -> float:
    log.info(OmegaConf.to_yaml(cfg))
    model = instantiate(cfg.model)
    optimizer = OPTIMIZERS[cfg.optimizer.name](model.parameters(), **cfg.optimizer.args)
    state = torch.load(to_absolute_path(cfg.init), map_location="cpu", weights_only=True)
    missing, unexpected = model.load_state_dict(state, strict=False)
    log.warning("missing %s, unexpected %s", missing, unexpected)
    return optimizer.param_groups[0]["lr"]


if __name__ == "__main__":
    main()

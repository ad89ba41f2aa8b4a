"""The model as the loop sees it: its loss as output, on one process, copied to several (DDP) or divided among them (FSDP)."""

import contextlib
from contextlib import AbstractContextManager

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.nn.parallel import DistributedDataParallel
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from codeparrot.pretraining.loss import summed_loss
from codeparrot.pretraining.optimisation import PRECISIONS, TrainingSettings, blocks

# Under a name for which transformers makes no mask, its SDPA attention is plainly causal: the flash kernels, and none of
# the checks for packed sequences, which wait for the device in every forward pass.
CAUSAL = "causal_sdpa"
AttentionInterface.register(CAUSAL, sdpa_attention_forward)


def positions_within_documents(ids: Tensor, end_token: int) -> Tensor:
    """Each token's position in its document, shape (batch, length); transformers masks attention where they start anew."""
    places = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
    begins = torch.zeros_like(ids)
    begins[:, 1:] = places[:, 1:] * (ids[:, :-1] == end_token)
    return places - begins.cummax(dim=1).values


class NextTokenLoss(nn.Module):
    """The model with its summed loss as output, so that data-parallel wrappers see one forward pass."""

    def __init__(self, model: PreTrainedModel, settings: TrainingSettings) -> None:
        super().__init__()
        self.model = model
        self.precision = PRECISIONS[settings.precision]
        self.end_token: int | None = model.config.eos_token_id if settings.within_documents else None
        model.set_attn_implementation("sdpa" if settings.within_documents else CAUSAL)
        if settings.gradient_checkpointing:
            model.activation_checkpointing_enable()
        if settings.compile:
            for block in blocks(model):
                block.compile()

    def forward(self, ids: Tensor) -> Tensor:
        """The summed loss in nats of ids of shape (batch, length)."""
        positions = None if self.end_token is None else positions_within_documents(ids, self.end_token)
        with torch.autocast(ids.device.type, self.precision, enabled=self.precision != torch.float32):
            hidden = self.model.base_model(ids, position_ids=positions, use_cache=False).last_hidden_state
        head = self.model.get_output_embeddings().weight
        return summed_loss(hidden.float(), head, ids, self.precision, self.end_token)


def spread(module: NextTokenLoss, accelerator: Accelerator, settings: TrainingSettings) -> nn.Module:
    """The module over all processes, as `settings.sharding` says."""
    module.to(accelerator.device)
    if accelerator.num_processes == 1 or settings.sharding == "none":
        prepared: nn.Module = accelerator.prepare_model(module)
        return prepared
    mesh = init_device_mesh(accelerator.device.type, (accelerator.num_processes,))
    # Blocks travel in the precision of their products; embeddings stay float32, and with them the residual stream.
    policy = MixedPrecisionPolicy(PRECISIONS[settings.precision], torch.float32, cast_forward_inputs=False)
    for block in blocks(module.model):
        fully_shard(block, mesh=mesh, mp_policy=policy)
    fully_shard(module, mesh=mesh)  # in place
    return module


def gradients_kept_here(module: nn.Module, here: bool) -> AbstractContextManager[None]:
    """A context in which gradients are summed in this process and not yet exchanged, where `here` is true."""
    if isinstance(module, FSDPModule):
        module.set_requires_gradient_sync(not here)
    if here and isinstance(module, DistributedDataParallel):
        kept: AbstractContextManager[None] = module.no_sync()
        return kept
    return contextlib.nullcontext()

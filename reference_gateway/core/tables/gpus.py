"""The gateway's own copy of the GPU table; the contract's is compared with it from outside.

TFLOPS are of dense FP16 matrix work with FP32 accumulation, by the vendor's paper that the row names; rates that are
printed with 2:4 sparsity are halved (FP4: an eighth). The H100 (80 GB) and the V100 (16 GB) differ by form factor:
where a provider does not say which, the row without one holds, at the lower rate,
so that no offer is shown faster than it may be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

# Name, family, memory in GB and TFLOPS of one; below it, the providers' spellings.
_TABLE = """\
B200-SXM                 B200            180     2250   # HGX B200: 36 PFLOPS FP16 sparse over 8 GPUs, halved
    B200; B200 (180 GB SXM6); B200 SXM6; B200 SXM6 180GB; NVIDIA B200; b200-180gb-sxm
B300-SXM                 B300            288     2250   # HGX B300: 36 PFLOPS FP16 sparse over 8 GPUs, halved
    B300 SXM (288 GB); B300; B300 SXM6; B300 SXM6 AC; B300 SXM6 262GB; NVIDIA B300; NVIDIA B300 SXM6 AC
GB200                    GB200           186     2500   # GB200 NVL72: 360 PFLOPS FP16 sparse over 72 GPUs, halved
    GB200 (186 GB); NVIDIA GB200; GB200 NVL72
GB300                    GB300           288     2500   # GB300 NVL72: 360 PFLOPS FP16 sparse over 72 GPUs, halved
    GB300 (288 GB); NVIDIA GB300; GB300 NVL72
RTX-PRO-6000-96GB        RTX-PRO-6000     96    438.9   # edition not said: the lowest of the three below
    RTX PRO 6000 (96 GB); RTX PRO 6000; RTX PRO 6000 Blackwell; NVIDIA RTX PRO 6000
RTX-PRO-6000-MaxQ        RTX-PRO-6000     96    438.9   # RTX PRO 6000 Max-Q: 3511 AI TOPS (FP4 sparse), an eighth
    RTX PRO 6000 Max-Q (96 GB); RTX PRO 6000 Max Q; NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition
RTX-PRO-6000-Server      RTX-PRO-6000     96      500   # RTX PRO 6000 Server: 4 PFLOPS FP4 sparse, an eighth
    RTX PRO 6000 Server (96 GB); RTX PRO 6000 S; NVIDIA RTX PRO 6000 Blackwell Server Edition
RTX-PRO-6000-Workstation RTX-PRO-6000     96    503.8   # RTX PRO 6000 Workstation: 4030 AI TOPS (FP4 sparse), an eighth
    RTX PRO 6000 Workstation (96 GB); RTX PRO 6000 WK; RTX PRO 6000 WS;
    NVIDIA RTX PRO 6000 Blackwell Workstation Edition
RTX-PRO-4500             RTX-PRO-4500     32    210.9   # RTX PRO 4500: 1687 AI TOPS (FP4 sparse), an eighth
    RTX PRO 4500 (32 GB); NVIDIA RTX PRO 4500 Blackwell
RTX-5090                 RTX-5090         32    209.5   # RTX Blackwell architecture: dense
    RTX 5090 (32 GB); RTX5090; GeForce RTX 5090; NVIDIA GeForce RTX 5090; RTX 5090 32GB
RTX-5080                 RTX-5080         16    112.6   # RTX Blackwell architecture: dense
    RTX 5080 (16 GB); RTX5080; GeForce RTX 5080; NVIDIA GeForce RTX 5080
H100-SXM                 H100             80    989.4   # H100 architecture, H100 SXM5, dense
    H100 (80 GB SXM5); H100 SXM5; H100 SXM5 80GB; H100 80GB HBM3; NVIDIA H100 80GB HBM3; H100-SXM-80GB;
    h100-80gb-sxm-ib; H100-80G-SXM5; H100-80G-SXM5-NVLink; H100 SXM5 NVLINK; H100 80GB SXM5
H100-PCIe                H100             80      756   # H100 architecture, H100 PCIe, dense
    H100 (80 GB PCIe); H100 PCIe 80GB; NVIDIA H100 PCIe; H100-80G-PCIe; H100 80GB PCIe; NVIDIA H100 PCIe 80GB;
    H100-80G-PCIe-NVLink
H100-NVL                 H100             94    835.5   # H100 sheet, H100 NVL: 1671 sparse, halved
    H100 (94 GB NVL); NVIDIA H100 NVL; H100 NVL 94GB
H100-80GB                H100             80      756   # form factor not said: the lower of SXM and PCIe
    H100; H100 (80 GB); NVIDIA H100
H200-SXM                 H200            141    989.4   # H200 sheet, SXM: the H100 SXM's rate
    H200; H200 (141 GB SXM5); H200 SXM5; H200 SXM5 141GB; NVIDIA H200; H200_141GB; h200-141gb-sxm-ib; H200-141G-SXM5
H200-NVL                 H200            141    835.5   # H200 sheet, NVL: 1671 sparse, halved
    H200 NVL (141 GB); NVIDIA H200 NVL
GH200                    GH200            96    989.4   # GH200 sheet: the H100 SXM's rate
    GH200 (96 GB); GH200 (96 GB HBM3); GH200 480GB; NVIDIA GH200; NVIDIA GH200 480GB; GH200_96GB
L4                       L4               24      121   # L4 sheet: 242 sparse, halved
    NVIDIA L4; L4 (24 GB); L4 24GB
L40                      L40              48   181.05   # L40 sheet, dense
    L40 (48 GB); NVIDIA L40; l40-pcie-48gb; L40 48GB
L40S                     L40S             48   362.05   # L40S sheet, dense
    NVIDIA L40S; L40s 48GB; L40S (48 GB)
RTX-6000-Ada             RTX-6000-Ada     48    364.2   # RTX 6000 Ada sheet: 1457 TOPS (FP8 sparse), a quarter
    RTX 6000 Ada (48 GB); RTX 6000 Ada Generation; NVIDIA RTX 6000 Ada Generation; RTX6000 Ada; nvidia_rtx6000_ada;
    RTX 6000Ada; RTX 6000 Ada 48GB; RTX 6000Ada 48GB; RTX6000Ada
RTX-4000-Ada             RTX-4000-Ada    20     81.9   # RTX 4000 Ada sheet: 327.6 TFLOPS (FP8 sparse), a quarter
    RTX 4000 Ada (20 GB); RTX 4000 Ada Generation; NVIDIA RTX 4000 Ada Generation; RTX 4000Ada; RTX4000Ada;
    nvidia_rtx4000_ada
RTX-4090                 RTX-4090         24    165.2   # Ada architecture: dense
    RTX 4090 (24 GB); RTX4090; GeForce RTX 4090; NVIDIA GeForce RTX 4090; RTX 4090 24GB; rtx4090-24gb;
    geforcertx4090-pcie-24gb
A100-80GB                A100             80      312   # A100 sheet, every form, dense
    A100; A100 (80 GB SXM4); A100 (80 GB PCIe); A100 PCIe 80; A100 SXM 80; A100 SXM4 80GB; A100 80GB PCIe;
    NVIDIA A100 80GB PCIe; NVIDIA A100-SXM4-80GB; a100-80gb-sxm-ib; a100-pcie-80gb; NVIDIA_A100; A100 SXM 80GB;
    A100-80G-PCIe; A100-80G-PCIe-NVLink; A100-80G-SXM4; A100_80G
A100-40GB                A100             40      312   # A100 sheet, every form, dense
    A100 (40 GB PCIe); A100 (40 GB SXM4); A100 (40 GB); A100 PCIe 40; A100 SXM 40; A100 SXM4 40GB;
    NVIDIA A100-SXM4-40GB; NVIDIA A100-PCIE-40GB; a100-40gb-pcie; A100 PCIe 40GB; A100 SXM 40GB
A10                      A10              24      125   # A10 sheet, dense
    A10 (24 GB PCIe); A10 (24 GB); NVIDIA A10
A30                      A30              24      165   # A30 sheet, dense
    A30 (24 GB); NVIDIA A30
A40                      A40              48    149.7   # A40 sheet, dense
    A40 (48 GB); NVIDIA A40; a40-48gb-pcie
RTX-A6000                RTX-A6000        48    154.8   # RTX A6000 sheet: 309.7 sparse, halved
    A6000; A6000 (48 GB); A6000 (48 GB PCIe); RTX A6000 (48 GB); NVIDIA RTX A6000; RTX-A6000 48GB
RTX-A5000                RTX-A5000        24    111.1   # RTX A5000 sheet: 222.2 sparse, halved
    RTX A5000 (24 GB); A5000; NVIDIA RTX A5000; RTX A5000 24GB
RTX-A4000                RTX-A4000        16     76.7   # RTX A4000 sheet: 153.4 sparse, halved
    RTX A4000 (16 GB); A4000; NVIDIA RTX A4000; RTX A4000 16GB
RTX-3090-Ti              RTX-3090-Ti      24       80   # Ampere GA102 architecture, v2.1: dense
    RTX 3090 Ti (24 GB); RTX3090 Ti; RTX 3090Ti; GeForce RTX 3090 Ti; NVIDIA GeForce RTX 3090 Ti
RTX-3090                 RTX-3090         24       71   # Ampere GA102 architecture: dense
    RTX 3090 (24 GB); RTX3090; GeForce RTX 3090; NVIDIA GeForce RTX 3090; RTX 3090 24GB
T4                       T4               16       65   # T4 sheet
    T4 (16 GB); Tesla T4; NVIDIA T4; NVIDIA Tesla T4; Nvidia Tesla T4 GPU; Tesla T4 16GB
Quadro-RTX-6000          Quadro-RTX-6000  24    130.5   # Turing architecture: Quadro RTX 6000, dense
    RTX 6000 (24 GB); RTX 6000 (24 GB PCIe); Quadro RTX 6000 (24 GB); Quadro RTX 6000 (24 GB PCIe)
Quadro-RTX-5000          Quadro-RTX-5000  16     89.2   # Turing architecture: Quadro RTX 5000, dense
    Quadro RTX 5000 (16 GB)
V100-SXM2                V100             16      125   # V100 sheet, SXM2
    V100 (16 GB SXM2); Tesla V100 (16 GB SXM2); Tesla V100 SXM2 16GB; V100 SXM2 16GB
V100-PCIe                V100             16      112   # V100 sheet, PCIe
    V100 (16 GB PCIe); Tesla V100 (16 GB PCIe); Tesla V100 PCIe 16GB
V100-16GB                V100             16      112   # form factor not said: the lower of SXM2 and PCIe
    V100; Tesla V100; V100 (16 GB); Tesla V100 (16 GB); NVIDIA V100; Tesla V100 16GB
V100-32GB                V100            32      112   # form factor not said: the lower of SXM2 and PCIe
    V100_32G; Tesla V100 32GB; Tesla V100 (32 GB); V100 (32 GB)
MI300X                   MI300X          192   1307.4   # AMD Instinct MI300X sheet, dense
    MI300X (192 GB); AMD MI300X; AMD Instinct MI300X OAM; Instinct MI300X
MI325X                   MI325X          256   1307.4   # AMD Instinct MI325X sheet, dense
    MI325X (256 GB); AMD MI325X; AMD Instinct MI325X; Instinct MI325X
MI350X                   MI350X          288   2306.9   # AMD Instinct MI350X sheet, dense
    MI350X (288 GB); AMD MI350X; AMD Instinct MI350X; Instinct MI350X
MI355X                   MI355X          288   2516.6   # AMD Instinct MI355X sheet, dense
    MI355X (288 GB); AMD MI355X; AMD Instinct MI355X; Instinct MI355X
"""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A model: canonical name, family, memory and TFLOPS of one, and the providers' spellings."""

    name: str
    family: str
    memory_gb: int
    fp16_tflops: Decimal
    aliases: tuple[str, ...]


def _read(block: str) -> Gpu:
    row, _, spellings = block.partition("\n")
    name, family, memory_gb, tflops = row.split("#")[0].split()
    aliases = tuple(spelling.strip() for spelling in spellings.split(";") if spelling.strip())
    return Gpu(name, family, int(memory_gb), Decimal(tflops), aliases)


GPUS: tuple[Gpu, ...] = tuple(_read(block) for block in re.split(r"\n(?! )", _TABLE.strip()))

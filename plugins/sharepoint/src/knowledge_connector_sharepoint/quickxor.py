"""`quickXorHash`, by which SharePoint names contents. No security hash: it tells a whole file from a cut or mixed one.

A state of 160 bits; byte *i* goes in at bit 11·*i* mod 160, so that bytes 160 apart meet at the same place; at the end the length goes into
the last eight bytes.

Reference: Microsoft Graph, "QuickXorHash algorithm".
"""

from __future__ import annotations

import base64
from typing import BinaryIO

_BITS = 160
_STEP = 11
_BLOCK = 160
_PIECE_BYTES = _BLOCK * 4096
_MASK = (1 << _BITS) - 1


def quick_xor_hash(file: BinaryIO) -> str:
    """Give the hash of what is left of a file, in base64 as Graph writes it."""
    folded, length = 0, 0
    while piece := file.read(_PIECE_BYTES):
        length += len(piece)
        for start in range(0, len(piece), _BLOCK):
            folded ^= int.from_bytes(piece[start : start + _BLOCK], "little")
    state = _placed(folded.to_bytes(_BLOCK, "little")) ^ (length << (_BITS - 64))
    return base64.b64encode((state & _MASK).to_bytes(_BITS // 8, "little")).decode("ascii")


def _placed(block: bytes) -> int:
    """Lay 160 bytes over each other, each where it belongs; what sticks out comes in again at the other end."""
    state = 0
    for place, byte in enumerate(block):
        shifted = byte << (_STEP * place % _BITS)
        state ^= (shifted & _MASK) ^ (shifted >> _BITS)
    return state

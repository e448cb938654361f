"""What recurrent models are made of: a cell that remembers, and windows through which it reads and writes images."""

from models.recurrent.lstm import LSTM, State
from models.recurrent.reading import AttentiveReader, WholeReader
from models.recurrent.writing import AttentiveWriter, WholeWriter

__all__ = ["LSTM", "AttentiveReader", "AttentiveWriter", "State", "WholeReader", "WholeWriter"]

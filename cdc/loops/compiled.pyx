# cython: language_level=3, boundscheck=False, wraparound=False
"""The loops of `plain` in Cython. Docstrings and the reasons are there.

Whatever is rare is left to the same calls that `plain` makes: converters of other types, floats,
integers of more than 18 digits. What is done here is text, integers, and finding one's way.

Every read of a message is checked against its end first, as what is read may be broken.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

import orjson

from cdc.change import ABSENT
from cdc.loops.plain import TEXT

cdef extern from *:
    const char *LOOPS_SOURCE

SOURCE = LOOPS_SOURCE.decode()

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    long long PyLong_AsLongLongAndOverflow(object number, int *overflow) except? -1

ctypedef const unsigned char *Bytes

cdef object _ABSENT = ABSENT
cdef object _TEXT = TEXT
cdef object _INTEGER = int
cdef object _dumps = orjson.dumps


def row(bytes message not None, Py_ssize_t at, tuple converters not None):
    cdef Bytes data = <Bytes>PyBytes_AS_STRING(message)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(message)
    cdef Py_ssize_t columns = PyTuple_GET_SIZE(converters)
    cdef Py_ssize_t column, count, length
    cdef unsigned char form
    cdef object value

    if at < 0 or size - at < 2:
        raise IndexError("a row that ends before its first value")
    count = data[at] << 8 | data[at + 1]
    if count != columns:
        raise ValueError(f"a row of {count} columns in a table of {columns}")
    at += 2
    cdef tuple values = PyTuple_New(columns)
    for column in range(columns):
        if at >= size:
            raise IndexError("a row that ends before its last value")
        form = data[at]
        if form == c"t":
            if size - at < 5:
                raise IndexError("a value that ends before its length")
            length = <unsigned int>data[at + 1] << 24 | data[at + 2] << 16 | data[at + 3] << 8 | data[at + 4]
            at += 5
            if length < 0 or length > size - at:  # negative where a size has 32 bits
                raise IndexError("a value that ends before its last byte")
            value = _value(data + at, length, <object>PyTuple_GET_ITEM(converters, column))
            at += length
        elif form == c"n":
            value = None
            at += 1
        elif form == c"u":
            value = _ABSENT
            at += 1
        else:
            raise ValueError(f"a value of the unknown form {chr(form)!r}")
        Py_INCREF(value)  # the next call takes a reference over
        PyTuple_SET_ITEM(values, column, value)
    return values, at


cdef object _value(Bytes data, Py_ssize_t length, object convert):
    if convert is _TEXT:
        return PyUnicode_DecodeUTF8(<const char *>data, length, b"surrogateescape")
    if convert is _INTEGER:
        return _integer(data, length)
    return convert(PyBytes_FromStringAndSize(<const char *>data, length))


cdef object _integer(Bytes data, Py_ssize_t length):
    """Like `int`, to which everything but up to 18 digits is left: so many fit in 64 bits."""
    cdef bint negative = length > 0 and data[0] == c"-"
    cdef Py_ssize_t at = 1 if negative else 0
    cdef long long number = 0
    if 0 < length - at <= 18:
        while at < length and c"0" <= data[at] <= c"9":
            number = number * 10 + (data[at] - c"0")
            at += 1
        if at == length:
            return -number if negative else number
    return int(PyBytes_FromStringAndSize(<const char *>data, length))


cdef class Encoder:
    cdef tuple _before  # what precedes each value: brace or comma, name, colon

    def __cinit__(self, names):
        self._before = tuple([
            (b"," if index else b"{") + _dumps(name) + b":" for index, name in enumerate(names)
        ])

    def __call__(self, tuple row not None):
        cdef Py_ssize_t columns = PyTuple_GET_SIZE(self._before)
        cdef Py_ssize_t column
        cdef Buffer buffer
        if PyTuple_GET_SIZE(row) != columns:
            raise ValueError(f"{len(row)} values for {columns} names")
        if columns == 0:
            return b"{}"
        buffer.data, buffer.size, buffer.room = buffer.small, 0, sizeof(buffer.small)
        try:
            for column in range(columns):
                _put_bytes(&buffer, <object>PyTuple_GET_ITEM(self._before, column))
                _put_value(&buffer, <object>PyTuple_GET_ITEM(row, column))
            _put(&buffer, <Bytes>b"}", 1)
            return PyBytes_FromStringAndSize(buffer.data, buffer.size)
        finally:
            if buffer.data != buffer.small:
                free(buffer.data)


cdef struct Buffer:
    char *data
    Py_ssize_t size
    Py_ssize_t room
    char small[2048]  # where `data` points until more is needed


cdef int _reserve(Buffer *buffer, Py_ssize_t more) except -1:
    """Make room for so many bytes behind what is there."""
    cdef Py_ssize_t needed = buffer.size + more
    cdef char *data
    if needed <= buffer.room:
        return 0
    needed += needed >> 1
    if buffer.data == buffer.small:
        data = <char *>malloc(needed)
        if data != NULL:
            memcpy(data, buffer.small, buffer.size)
    else:
        data = <char *>realloc(buffer.data, needed)
    if data == NULL:
        raise MemoryError
    buffer.data, buffer.room = data, needed
    return 0


cdef int _put(Buffer *buffer, Bytes data, Py_ssize_t size) except -1:
    _reserve(buffer, size)
    memcpy(buffer.data + buffer.size, data, size)
    buffer.size += size
    return 0


cdef int _put_bytes(Buffer *buffer, bytes data) except -1:
    return _put(buffer, <Bytes>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


cdef int _put_value(Buffer *buffer, object value) except -1:
    cdef int overflow
    cdef long long number
    if value is None:
        return _put(buffer, <Bytes>b"null", 4)
    if type(value) is str:
        return _put_text(buffer, value)
    if value is True:
        return _put(buffer, <Bytes>b"true", 4)
    if value is False:
        return _put(buffer, <Bytes>b"false", 5)
    if type(value) is int:
        number = PyLong_AsLongLongAndOverflow(value, &overflow)
        if not overflow:
            return _put_number(buffer, number)
    return _put_bytes(buffer, _dumps(value))


cdef int _put_number(Buffer *buffer, long long number) except -1:
    cdef char digits[20]
    cdef int first = 20
    # Not the number's negation, which the least one does not have.
    cdef unsigned long long rest = number
    if number < 0:
        rest = 0 - rest
    while True:
        first -= 1
        digits[first] = c"0" + <char>(rest % 10)
        rest //= 10
        if rest == 0:
            break
    if number < 0:
        first -= 1
        digits[first] = c"-"
    return _put(buffer, <Bytes>digits + first, 20 - first)


# By byte: 0 if it stands for itself, the letter behind the backslash, `u` for four digits.
cdef char _SHORT[256]


cdef void _fill():
    cdef int byte
    for byte in range(256):
        _SHORT[byte] = c"u" if byte < 32 else 0
    for byte, letter in zip(b"\b\t\n\f\r\"\\", b"btnfr\"\\"):
        _SHORT[byte] = letter


_fill()
cdef const char *_HEX = "0123456789abcdef"


# Bytes beyond which orjson's vector instructions are worth the call.
cdef Py_ssize_t _LONG = 256


cdef int _put_text(Buffer *buffer, str text) except -1:
    cdef Py_ssize_t size, at, start = 0
    cdef Bytes data
    cdef unsigned char byte
    cdef char escape[6]
    try:
        data = <Bytes>PyUnicode_AsUTF8AndSize(text, &size)
    except UnicodeEncodeError as error:  # half of a surrogate pair, as `surrogateescape` leaves
        raise TypeError("text that is no text") from error
    if size > _LONG:
        return _put_bytes(buffer, _dumps(text))
    escape[0], escape[2], escape[3] = c"\\", c"0", c"0"
    _reserve(buffer, size + 2)
    _put(buffer, <Bytes>b'"', 1)
    for at in range(size):
        byte = data[at]
        if _SHORT[byte] == 0:
            continue
        _put(buffer, data + start, at - start)
        start = at + 1
        escape[1] = _SHORT[byte]
        if escape[1] == c"u":
            escape[4], escape[5] = _HEX[byte >> 4], _HEX[byte & 15]
            _put(buffer, <Bytes>escape, 6)
        else:
            _put(buffer, <Bytes>escape, 2)
    _put(buffer, data + start, size - start)
    return _put(buffer, <Bytes>b'"', 1)

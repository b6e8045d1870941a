// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Upgradeable} from "./access/Upgradeable.sol";
import {IComputeLedger} from "./interfaces/IComputeLedger.sol";
import {IFeeBurner} from "./interfaces/IFeeBurner.sol";
import {IHEU} from "./interfaces/IHEU.sol";
import {Epochs} from "./libraries/Epochs.sol";
import {Prices} from "./libraries/Prices.sol";
import {Role} from "./libraries/Roles.sol";

/// @title FeeBurner
/// @notice The manual is {IFeeBurner}.
/// @dev Always: asset held >= kept, and kept = the lot that is not sold + what is carried + what waits to be. The difference
///      is unasked: fees of epochs that are not over, which anyone may have collected early, and gifts.
contract FeeBurner is IFeeBurner, Upgradeable, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;
    using Prices for Prices.Ring;

    /// @custom:storage-location erc7201:heurist.storage.FeeBurner
    struct FeeBurnerStorage {
        /// The epoch of the last lot, and whether its sale is closed. There is never more than one that is not.
        uint32 sale;
        bool closed;
        uint32 firstEpoch;
        /// What was unasked at some moment of epoch `seenIn`, less what gathering took of it since.
        uint32 seenIn;
        uint128 seen;
        uint128 carried;
        uint128 kept;
        mapping(uint32 epoch => Lot) lots;
        mapping(address router => uint32) openFrom;
        Prices.Ring prices;
        /// What came since the sale of epoch `waitingIn` opened: it is carried from the next epoch on.
        uint128 waiting;
        uint32 waitingIn;
    }

    // keccak256(abi.encode(uint256(keccak256("heurist.storage.FeeBurner")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant FEE_BURNER_STORAGE = 0x9f29d71183d5d391ad307f3cc8c9f41a7d164933ee2b7e70b78f35e4c1ebed00;

    /// @inheritdoc IFeeBurner
    uint256 public constant GATHER_SECONDS = 1 days;
    /// @inheritdoc IFeeBurner
    uint256 public constant SALE_SECONDS = 3 days;
    /// @inheritdoc IFeeBurner
    uint256 public constant MOST_GATHERED = 104;
    uint256 private constant BPS = 10_000;
    /// @dev A whole unit of the asset.
    uint256 private constant UNIT = 1e6;
    uint256 private constant HALVING = 1 days;
    uint256 private constant CARRIED_HALVING = 12 hours;
    /// @dev What nobody asked for through so many epochs belongs to none of them.
    uint256 private constant UNASKED_EPOCHS = 2;

    /// @inheritdoc IFeeBurner
    IHEU public immutable heu;
    /// @inheritdoc IFeeBurner
    IComputeLedger public immutable ledger;
    /// @inheritdoc IFeeBurner
    uint256 public immutable leastLot;

    constructor(IHEU heu_, IComputeLedger ledger_, uint256 leastLot_) {
        if (address(heu_) == address(0) || address(ledger_) == address(0)) revert ZeroAddress();

        (heu, ledger, leastLot) = (heu_, ledger_, leastLot_);
    }

    /// @notice Once, through the proxy.
    /// @param price The first median: wei of HEU per whole unit of the asset.
    function initialize(address authority_, uint256 price) external initializer {
        if (authority_ == address(0)) revert ZeroAddress();
        if (price == 0) revert ZeroPrice();

        _initializeAuthority(authority_);
        FeeBurnerStorage storage $ = _burner();
        ($.firstEpoch, $.closed, $.seenIn) = (Epochs.current(), true, Epochs.current());
        $.prices.push(price);
    }

    // ------------------------------------------------------------------------------------------------- fees in

    /// @inheritdoc IFeeBurner
    function gather(address router) external nonReentrant returns (uint256 amount) {
        _settle();
        uint256 collected = ledger.collectable(router);
        if (collected != 0) ledger.collect(router);

        FeeBurnerStorage storage $ = _burner();
        uint32 last = Epochs.current() - 1;
        uint256 from = openFrom(router);
        uint256 end = Math.min(last + 1, from + MOST_GATHERED);
        uint256 free = asset().balanceOf(address(this)) - $.kept;
        bool inTime = from <= last && end > last && block.timestamp < _saleFrom(last);
        if (inTime) amount = _fill($, router, last, free);
        // Late fees are taken out of what the router has just paid: what else is here may be of another's lot.
        uint256 left = Math.min(Math.saturatingSub(collected, amount), free - amount);
        amount += _carryLate($, router, from, inTime ? last : end, left);
        if (end > from) $.openFrom[router] = uint32(end);
        $.kept += amount.toUint128();
        if ($.seen == 0) return amount;
        // What was here before, which it needed beside what the router has just paid for epochs that are over.
        uint256 paid = Math.saturatingSub(collected, feeIn(router, last + 1));
        $.seen -= Math.min($.seen, Math.saturatingSub(amount, paid)).toUint128();
    }

    /// @inheritdoc IFeeBurner
    function settle() external nonReentrant {
        _settle();
    }

    // ----------------------------------------------------------------------------------------------- fees out

    /// @inheritdoc IFeeBurner
    function buy(uint256 mostHeu, address to) external nonReentrant returns (uint256 heuBurnt, uint256 amount) {
        if (to == address(0)) revert ZeroAddress();
        _settle();
        uint32 epoch = Epochs.current() - 1;
        _requireOpen(epoch);
        FeeBurnerStorage storage $ = _burner();
        Lot storage lot = $.lots[epoch];
        if (lot.burnt != 0 || lot.amount == 0 || lot.amount < leastLot) revert NothingForSale();

        amount = lot.amount;
        uint256 price = _price(epoch, HALVING);
        heuBurnt = _cost(amount, price, mostHeu);
        (lot.burnt, $.closed) = (heuBurnt.toUint128(), true);
        $.kept -= uint128(amount);
        $.prices.push(price);
        emit PriceKnown(epoch, price, true);
        emit Sold(epoch, msg.sender, amount, heuBurnt, false);

        _exchange(heuBurnt, amount, to);
    }

    /// @inheritdoc IFeeBurner
    function buyCarried(uint256 mostHeu, address to) external nonReentrant returns (uint256 heuBurnt, uint256 amount) {
        if (to == address(0)) revert ZeroAddress();
        _settle();
        uint32 epoch = Epochs.current() - 1;
        _requireOpen(epoch);
        FeeBurnerStorage storage $ = _burner();
        amount = $.carried;
        if (amount == 0) revert NothingForSale();

        heuBurnt = _cost(amount, _price(epoch, CARRIED_HALVING), mostHeu);
        $.carried = 0;
        $.kept -= uint128(amount);
        emit Sold(epoch, msg.sender, amount, heuBurnt, true);

        _exchange(heuBurnt, amount, to);
    }

    // --------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IFeeBurner
    function asset() public view returns (IERC20) {
        return ledger.asset();
    }

    /// @inheritdoc IFeeBurner
    function firstEpoch() external view returns (uint32) {
        return _burner().firstEpoch;
    }

    /// @inheritdoc IFeeBurner
    function lotOf(uint32 epoch) external view returns (Lot memory) {
        return _burner().lots[epoch];
    }

    /// @inheritdoc IFeeBurner
    function burntIn(uint32 epoch) external view returns (uint256) {
        return _burner().lots[epoch].burnt;
    }

    /// @inheritdoc IFeeBurner
    function burntFor(uint32 epoch, uint256 units) external view returns (uint256) {
        Lot memory lot = _burner().lots[epoch];
        uint256 fee = units * protocolBpsIn(epoch) / BPS;
        return fee >= lot.amount ? lot.burnt : Math.mulDiv(lot.burnt, fee, lot.amount);
    }

    /// @inheritdoc IFeeBurner
    function carried() external view returns (uint256) {
        return uint256(_burner().carried) + _burner().waiting;
    }

    /// @inheritdoc IFeeBurner
    function carriedForSale() public view returns (uint256) {
        FeeBurnerStorage storage $ = _burner();
        return $.carried + ($.waitingIn == Epochs.current() ? 0 : $.waiting);
    }

    /// @inheritdoc IFeeBurner
    function median() public view returns (uint256) {
        return _burner().prices.median();
    }

    /// @inheritdoc IFeeBurner
    function priceNow(bool ofCarried) external view returns (uint256) {
        uint32 epoch = Epochs.current() - 1;
        if (block.timestamp < _saleFrom(epoch) || block.timestamp >= _saleUntil(epoch)) return 0;
        if (ofCarried) return carriedForSale() == 0 ? 0 : _price(epoch, CARRIED_HALVING);
        Lot storage lot = _burner().lots[epoch];
        bool forSale = lot.amount != 0 && lot.amount >= leastLot && lot.burnt == 0;
        return forSale ? _price(epoch, HALVING) : 0;
    }

    /// @inheritdoc IFeeBurner
    function feeIn(address router, uint32 epoch) public view returns (uint256) {
        return ledger.volumeIn(router, epoch) * protocolBpsIn(epoch) / BPS
            + ledger.unitsIn(router, Role.Frontend, 0, epoch) * ledger.splitIn(epoch).frontend / BPS;
    }

    /// @inheritdoc IFeeBurner
    function protocolBpsIn(uint32 epoch) public view returns (uint256) {
        IComputeLedger.Split memory split = ledger.splitIn(epoch);
        uint256 voters = ledger.podVoters() == address(0) ? 0 : split.voters;
        return BPS - split.node - split.pod - split.frontend - voters;
    }

    /// @inheritdoc IFeeBurner
    function openFrom(address router) public view returns (uint32) {
        uint32 from = _burner().openFrom[router];
        return from == 0 ? _burner().firstEpoch : from;
    }

    // ------------------------------------------------------------------------------------------------- private

    /// @dev The fees of the last epoch, which came in time, into its lot.
    function _fill(FeeBurnerStorage storage $, address router, uint32 epoch, uint256 free)
        private
        returns (uint256 fee)
    {
        fee = Math.min(feeIn(router, epoch), free);
        if (fee == 0) return 0;
        ($.sale, $.closed) = (epoch, false);
        $.lots[epoch].amount += fee.toUint128();
        emit Gathered(router, epoch, fee, false);
    }

    /// @dev The fees of the epochs from `from` to before `end`: at most `left`, less what of it is the present epoch's.
    function _carryLate(FeeBurnerStorage storage $, address router, uint256 from, uint256 end, uint256 left)
        private
        returns (uint256 amount)
    {
        if (from >= end || left == 0) return 0;
        left = Math.saturatingSub(left, feeIn(router, Epochs.current()));
        for (uint256 epoch = from; epoch < end; epoch++) {
            uint256 fee = Math.min(feeIn(router, uint32(epoch)), left - amount);
            if (fee == 0) continue;
            amount += fee;
            _carry($, fee);
            emit Gathered(router, uint32(epoch), fee, true);
        }
    }

    /// @dev What comes after the sale has opened waits for the next one: whoever brought it in the last second would be the
    ///      only one to ask for it, at the lowest price.
    function _carry(FeeBurnerStorage storage $, uint256 amount) private {
        if (block.timestamp < _saleFrom(Epochs.current() - 1)) $.carried += amount.toUint128();
        else ($.waiting, $.waitingIn) = ($.waiting + amount.toUint128(), Epochs.current());
    }

    function _settle() private {
        FeeBurnerStorage storage $ = _burner();
        uint32 current = Epochs.current();
        if ($.waiting != 0 && $.waitingIn != current) ($.carried, $.waiting) = ($.carried + $.waiting, 0);
        if (!$.closed && block.timestamp >= _saleUntil($.sale)) _closeSale($);
        if (current < $.seenIn + UNASKED_EPOCHS) return;

        uint256 unasked = asset().balanceOf(address(this)) - $.kept;
        uint256 old = Math.min($.seen, unasked);
        if (old != 0) {
            _carry($, old);
            $.kept += uint128(old);
            emit Carried(current, old);
        }
        ($.seenIn, $.seen) = (current, (unasked - old).toUint128());
    }

    /// @dev Nobody bought the lot.
    function _closeSale(FeeBurnerStorage storage $) private {
        uint32 epoch = $.sale;
        uint128 amount = $.lots[epoch].amount;
        $.closed = true;
        _carry($, amount);
        emit Carried(epoch, amount);
        if (amount < leastLot) return;

        uint256 last = Prices.falling(2 * median(), SALE_SECONDS, HALVING);
        $.prices.push(last);
        emit PriceKnown(epoch, last, false);
    }

    function _exchange(uint256 heuBurnt, uint256 amount, address to) private {
        heu.burnFrom(msg.sender, heuBurnt);
        asset().safeTransfer(to, amount);
    }

    function _requireOpen(uint32 epoch) private view {
        (uint256 from, uint256 until) = (_saleFrom(epoch), _saleUntil(epoch));
        if (block.timestamp < from || block.timestamp >= until) revert NotOpen(block.timestamp, from, until);
    }

    /// @dev Wei of HEU for `amount`, rounded up.
    function _cost(uint256 amount, uint256 price, uint256 most) private pure returns (uint256 cost) {
        cost = Math.mulDiv(amount, price, UNIT, Math.Rounding.Ceil);
        if (cost > most) revert TooDear(cost, most);
    }

    function _price(uint32 epoch, uint256 halving) private view returns (uint256) {
        return Prices.falling(2 * median(), block.timestamp - _saleFrom(epoch), halving);
    }

    function _saleFrom(uint32 epoch) private pure returns (uint256) {
        return Epochs.startOf(epoch + 1) + GATHER_SECONDS;
    }

    function _saleUntil(uint32 epoch) private pure returns (uint256) {
        return _saleFrom(epoch) + SALE_SECONDS;
    }

    function _burner() private pure returns (FeeBurnerStorage storage $) {
        assembly ("memory-safe") {
            $.slot := FEE_BURNER_STORAGE
        }
    }
}
